package push

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/SherClockHolmes/webpush-go"

	"convoy/notify"
)

const (
	queued   = 64 // messages of each worker; more are dropped
	workers  = 4  // requests at the same time
	tries    = 3
	pause    = 2 * time.Second // before the second try; it doubles
	timeout  = 10 * time.Second
	maxReply = 16 << 10 // bytes of an answer that are read
)

// Life is how long a push service keeps a message for a browser that it cannot reach.
const Life = time.Hour

// MaxText is the size of a message in bytes at most.
const MaxText = 3 << 10

// Message is what one browser gets.
type Message struct {
	Text []byte // encrypted for the browser; at most MaxText
	// Topic replaces a message that was not delivered yet: at most 32 characters of base64url.
	Topic  string
	Urgent bool // wakes a device that saves power
}

type job struct {
	to Subscription
	Message
}

// Send queues a message, and never blocks: if too many wait, it drops the message and logs that.
func (s *Sender) Send(to Subscription, m Message) {
	sum := fnv.New32()
	io.WriteString(sum, to.By.Grant) //nolint:errcheck // it never fails
	select {
	case s.queues[sum.Sum32()%workers] <- job{to, m}:
	default:
		s.log.Warn("notification dropped: too many are queued", "user", to.By.User)
	}
}

// Run sends messages until ctx ends.
func (s *Sender) Run(ctx context.Context) {
	var group sync.WaitGroup
	for _, queue := range s.queues {
		group.Go(func() {
			notify.Serve(ctx, queue, s.log, func(j job) {
				err := notify.Retry(ctx, tries, s.pause, func() (again bool, err error) { return s.try(ctx, j) })
				if err != nil {
					s.log.Warn("notification not sent", "user", j.to.By.User, "service", hostOf(j.to.Endpoint), "err", err)
				}
			})
		})
	}
	group.Wait()
	s.Client.CloseIdleConnections()
}

// try sends once, and reports whether to try again, while the push service may recover. It removes a subscription that
// the service no longer knows.
func (s *Sender) try(ctx context.Context, j job) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	options := &webpush.Options{
		HTTPClient: s.Client, Subscriber: j.to.Contact, Topic: j.Topic, TTL: int(Life / time.Second),
		Urgency: webpush.UrgencyNormal, VAPIDPublicKey: s.keys.Public, VAPIDPrivateKey: s.keys.Private,
	}
	if j.Urgent {
		options.Urgency = webpush.UrgencyHigh
	}
	if options.Subscriber == "" {
		options.Subscriber = "convoy@localhost" // becomes a mailto: URL
	}
	answer, err := webpush.SendNotificationWithContext(ctx, j.Text, &webpush.Subscription{
		Endpoint: j.to.Endpoint, Keys: webpush.Keys{P256dh: j.to.P256DH, Auth: j.to.Auth},
	}, options)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // without the URL, which is a secret
		}
		return !errors.Is(err, errPrivate), err
	}
	defer answer.Body.Close()
	io.CopyN(io.Discard, answer.Body, maxReply) //nolint:errcheck // it lets the connection be used again
	switch code := answer.StatusCode; {
	case code < http.StatusMultipleChoices:
		return false, nil
	case code == http.StatusNotFound, code == http.StatusGone:
		s.drop(j.to)
		return false, errors.New("the browser has unsubscribed")
	case code == http.StatusTooManyRequests, code >= http.StatusInternalServerError:
		return true, fmt.Errorf("the answer was %s", answer.Status)
	}
	return false, fmt.Errorf("the answer was %s", answer.Status)
}

// drop removes a subscription, unless its login has a new one.
func (s *Sender) drop(gone Subscription) {
	s.mu.Lock()
	same := s.byGrant[gone.By.Grant].Endpoint == gone.Endpoint
	s.mu.Unlock()
	if same {
		s.Remove(gone.By.Grant)
	}
}

// hostOf is the part of an endpoint that is no secret.
func hostOf(endpoint string) string {
	if u, err := url.Parse(endpoint); err == nil {
		return u.Host
	}
	return ""
}

var errPrivate = errors.New("the push service is not at a public address")

// newClient returns a client for addresses that users choose: it follows no redirect, uses no proxy, and unless
// anywhere is set, connects to port 443 of public addresses only, as they are when it connects.
func newClient(anywhere bool) *http.Client {
	dialer := &net.Dialer{Timeout: timeout, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !anywhere && (!public(at.Addr()) || at.Port() != 443) {
			return errPrivate
		}
		return nil
	}}
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: timeout,
			MaxIdleConns: workers, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: maxReply,
		},
	}
}

// special are networks that are not public, beside those that netip knows.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // of providers, and of Railway
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b:1::/48"), // like 2002::/16, it may contain an address of IPv4
	netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("fec0::/10"),
}

// nat64 is the network that gateways translate to IPv4 (RFC 6052).
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// public reports whether an address is reached over the Internet.
func public(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	if nat64.Contains(addr) {
		inside := addr.As16()
		addr = netip.AddrFrom4([4]byte(inside[12:]))
	}
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return false
	}
	for _, network := range special {
		if network.Contains(addr) {
			return false
		}
	}
	return true
}
