# The image of a control plane and of its nodes: docs/railway.md describes what is in it, and why.
# Digests are those of all platforms: docker buildx imagetools inspect golang:1.26.8-alpine prints the current one.

FROM docker.io/library/golang:1.26.8-alpine@sha256:51a7c389a5ddaf82f527191a1e9bff9928655130a44e4975dd1d7e0acf59f1ae AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -ldflags="-s -w" -o /convoy .
RUN apk add --no-cache ca-certificates && mkdir -m 0700 /data

# Without a shell: docker build --target bare .
FROM scratch AS bare
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /convoy /usr/local/bin/convoy
COPY --from=build --chown=65534:65534 /data /var/lib/convoy
ENV PATH=/usr/local/bin HOME=/tmp CONVOY_DATA=/var/lib/convoy PORT=8080 CONVOY_LOG=json
WORKDIR /tmp
USER 65534:65534
EXPOSE 8080 4444/tcp 4444/udp 4445
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["/usr/local/bin/convoy", "health"]
ENTRYPOINT ["/usr/local/bin/convoy"]

FROM docker.io/library/alpine:3.22@sha256:5291449c3df73caf6ed85e649dec1b9e818b39a5d8c871e97afc13e9cd5e8fa8 AS convoy
# User 10001 is that of system shells if the container runs as root.
RUN apk add --no-cache bash ca-certificates less && adduser -D -H -u 10001 shell
COPY --from=build /convoy /usr/local/bin/convoy
COPY --from=build --chown=65534:65534 /data /var/lib/convoy
ENV HOME=/tmp CONVOY_DATA=/var/lib/convoy SHELL=/bin/bash LANG=C.UTF-8 PORT=8080 CONVOY_LOG=json
WORKDIR /tmp
USER 65534:65534
EXPOSE 8080 4444/tcp 4444/udp 4445
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["/usr/local/bin/convoy", "health"]
ENTRYPOINT ["/usr/local/bin/convoy"]
