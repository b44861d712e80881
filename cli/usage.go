package cli

// usage is what convoy -h prints.
const usage = `Convoy is a web console with real shells on every node of a cluster.

Usage:
    convoy [flags]     run a node: console, shells, a place in the cluster
    convoy shell       a prompt for the fleet, or a script; convoy shell -h
    convoy user        who may log in, and what they may do; convoy user -h
    convoy audit       verify or print the log of who did what; convoy audit -h
    convoy cookie      print a new random cookie for CONVOY_COOKIE
    convoy railway check
                       say whether nodes can be made on Railway, and change
                       nothing
    convoy health      ask the node that runs here whether it serves; for
                       containers. The exit status is 0 if it does, else 1
    convoy version     print the version

Without flags it runs the control plane of a fleet on this machine: open the
link that it prints, press the button, and nodes come up as child processes
that find one another by DNS and gossip over IPv6.

Flags (and the environment variables that set them):
    -addr ADDR         where the console listens; default localhost:4000
                       (CONVOY_ADDR; or PORT: that port on all addresses)
    -hosts NAMES       host names that the console may be reached by, with
                       commas, besides localhost and IP addresses (CONVOY_HOSTS)
    -trusted-proxies LIST
                       reverse proxies in front of the console, by address,
                       network, or the words loopback and private, with commas:
                       their X-Forwarded-For, -Proto and -Host are believed,
                       and nobody else's; docs/security.md shows how nginx and
                       Caddy are set up (CONVOY_TRUSTED_PROXIES)
    -tls-cert FILE, -tls-key FILE
                       serve the console by TLS, with this chain of certificates
                       and its key, in PEM; read again when they change
                       (CONVOY_TLS_CERT, CONVOY_TLS_KEY)
    -tls-self          serve it with a certificate of the node's own making,
                       kept below -data, for a laptop (CONVOY_TLS_SELF)
    -provider KIND     what makes nodes: local (child processes, the default),
                       railway (the default with a token of Railway's) or none
                       (CONVOY_PROVIDER)
    -share-token       nodes made on Railway get the token too, so that they
                       can make others (CONVOY_SHARE_TOKEN)
    -max-nodes N       how many nodes may be spawned; default 5
                       (CONVOY_MAX_NODES)
    -name BASE         base of node names, the part before the @; default convoy
                       (CONVOY_NAME)
    -host NAME         this node's DNS name, the part behind the @ (CONVOY_HOST)
    -bind IP           address of the private network that nodes talk over
                       (CONVOY_BIND)
    -port N            port of gossip, UDP and TCP; 0 is any free one;
                       default 4444, with provider local 0 (CONVOY_PORT)
    -call-port N       port of calls and streams between nodes; default 4445,
                       with provider local 0 (CONVOY_CALL_PORT)
    -query NAME        DNS name that is polled for other nodes (CONVOY_QUERY)
    -poll DURATION     time between two polls; default 5s (CONVOY_POLL)
    -system-shell HOW  shells of the system, which can do nearly all that the
                       user whom they run as can (-confine): on, which is that
                       somebody may open one beside the Convoy shells; first,
                       which is that they open by themselves; or off. Default
                       on (CONVOY_SYSTEM_SHELL)
    -confine HOW       what keeps system shells from the node: on, which is all
                       that costs nobody anything; strict, which also hides
                       -data from them in any case, and then files that are made
                       anew in a directory above it cannot be opened, and which
                       without another user (-system-user) refuses other
                       terminals and Unix sockets, so tmux and script do not
                       work; or off. Default on; docs/security.md says more
                       (CONVOY_CONFINE)
    -system-user USER  whom system shells run as if Convoy is root, by name or
                       number; default 10001; root for root
                       (CONVOY_SYSTEM_USER)
    -shell COMMAND     program of a system shell; default $SHELL, else bash
                       (CONVOY_SHELL)
    -data DIR          directory of what nodes keep: users, logins and API
                       tokens, the audit log, recordings, and what was typed in
                       Convoy shells; default $XDG_STATE_HOME/convoy
                       (CONVOY_DATA)
    -audit-max SIZE    what a node's audit log may take; then its oldest files
                       go; default 100MiB; 0 is any (CONVOY_AUDIT_MAX)
    -audit-age AGE     how long its entries are kept, such as 400d or 720h;
                       default 400d; 0 is for ever (CONVOY_AUDIT_AGE)
    -users FILE        who may log in with a name and a password; convoy user
                       makes it; default users, below -data (CONVOY_USERS)
    -openid-issuer URL
                       an OpenID Connect provider that logs people in, by its
                       https URL; docs/security.md shows how to set it up
                       (CONVOY_OPENID_ISSUER)
    -openid-client ID  what the provider calls this console
                       (CONVOY_OPENID_CLIENT)
    -openid-roles LIST who gets which role, such as
                       admins=admin,staff=operator,*=viewer, where * is
                       everybody whom the provider knows; who is not in the list
                       cannot log in (CONVOY_OPENID_ROLES)
    -openid-role-claim NAME
                       the claim of the ID token that holds the values of that
                       list, with dots for claims in claims, such as
                       realm_access.roles; default groups
                       (CONVOY_OPENID_ROLE_CLAIM)
    -openid-user-claim NAME
                       the claim that names the user; default email if it is
                       verified, else preferred_username, else sub
                       (CONVOY_OPENID_USER_CLAIM)
    -openid-redirect URL
                       this console's URL as the provider knows it; default is
                       what the browser calls it (CONVOY_OPENID_REDIRECT)
    -openid-name NAME  what the login page calls the provider; default its host
                       (CONVOY_OPENID_NAME)
    -dir DIR           directory that shells start in; default your home
                       directory (CONVOY_DIR)
    -shell-idle DURATION
                       closes shells that nobody has looked at, and in which
                       nothing has happened, for so long; default 0, never
                       (CONVOY_SHELL_IDLE)
    -max-upload SIZE   the largest file that goes to a shell or comes from it;
                       default 64MiB; 0 is none (CONVOY_MAX_UPLOAD)
    -record WHICH      shells that are recorded: all, from their first byte, or
                       off, which is those that somebody asks for; default off
                       (CONVOY_RECORD)
    -recordings DIR    directory that recordings are kept in, one below it for
                       each node; default recordings, below -data
                       (CONVOY_RECORDINGS)
    -recordings-max SIZE
                       what a node's recordings may take, such as 500MiB; then
                       the oldest go; default 1GiB (CONVOY_RECORDINGS_MAX)
    -runbooks DIR      directory of your runbooks: Markdown files whose blocks
                       of code the console runs on its nodes; default none
                       (CONVOY_RUNBOOKS)
    -log FORMAT        log on standard output: json, text or auto, which is text
                       on a terminal and json elsewhere (CONVOY_LOG)
    -log-level LEVEL   debug, info, warn or error; default info
                       (CONVOY_LOG_LEVEL)

Secrets come from the environment alone:
    CONVOY_COOKIE      the secret that all nodes of a cluster share; two with a
                       comma, new,old, while one is replaced by the other.
                       Without it provider local makes one for its fleet.
    CONVOY_TOKEN       the token that opens the console; without it a random one
                       is made and printed as a link.
    CONVOY_OPENID_SECRET
                       the client's secret at -openid-issuer; none for a public
                       client.

    RAILWAY_API_TOKEN  an account's or workspace's token, or RAILWAY_TOKEN, a
                       project's. docs/railway.md lists what else is read there.

A node is called BASE@HOST. A shell is a process with a terminal that lives on
a node, whoever looks at it. The control plane is the node that can make others.
`
