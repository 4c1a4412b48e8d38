// Package fetch asks servers at addresses that an operator configured, and
// trusts nothing about them: not that a name leads where it should, not that
// the server is quick, brief or honest.
//
//	address ─► Check: its scheme ─► dial: the address behind the name ─► bounded body
package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// The bounds of one fetch.
const (
	Timeout  = 10 * time.Second // all of it, the last byte of the body included
	MaxBody  = 1 << 20          // bytes
	MaxAsked = 64               // requests to one server at a time; further ones wait
)

// Policy says where one may go. The zero value is the strict one: https, to
// public addresses, with the system's certificate authorities.
type Policy struct {
	AllowHTTP  bool           // plain http too
	AllowCIDRs []netip.Prefix // private or special ranges that are allowed
	Anywhere   bool           // development mode: plain http, and every address
	RootCAs    *x509.CertPool // nil: the system's
}

// Check reports what is wrong with an address as far as its text tells: it must
// be https, or http where that is allowed, with a host and without a user.
func (p Policy) Check(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return errors.New("not an address")
	case u.Hostname() == "" || u.User != nil || u.Fragment != "":
		return errors.New("not an address with a host, and without user and fragment")
	case u.Scheme == "https", u.Scheme == "http" && (p.AllowHTTP || p.Anywhere):
		return nil
	case u.Scheme == "http":
		return errors.New("plain http; network.allow_http can allow it")
	}
	return fmt.Errorf("scheme %.16q is not allowed", u.Scheme)
}

// Transport makes connections that keep to the policy. It uses no proxy, asks
// for no compression and speaks HTTP/1.1.
func (p Policy) Transport() *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: p.control}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: p.RootCAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    5 * time.Second,
		ResponseHeaderTimeout:  8 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    2,
		IdleConnTimeout:        90 * time.Second,
	}
}

// Client gets documents. It follows no redirect.
type Client struct {
	policy Policy
	http   *http.Client
}

// New makes a client that keeps to the policy.
func New(p Policy) *Client {
	transport := p.Transport()
	transport.MaxConnsPerHost, transport.MaxIdleConnsPerHost = MaxAsked, MaxAsked/4
	return &Client{policy: p, http: &http.Client{
		Timeout:       Timeout,
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Answer is what a server answered, whatever its status.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // at most MaxBody bytes
}

// Do sends a request and reads the whole answer, within Timeout. An address
// that the policy does not allow, a longer body and a content encoding are
// errors. No error says more of the address than host and path: a query can
// hold what is secret.
func (c *Client) Do(r *http.Request) (Answer, error) {
	if err := c.policy.Check(r.URL.String()); err != nil {
		return Answer{}, err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Accept-Encoding", "identity")
	r.Header.Set("User-Agent", "idpool")
	failed := func(err error) (Answer, error) {
		return Answer{}, fmt.Errorf("%s %.200q: %w", r.Method, r.URL.Host+r.URL.Path, err)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return failed(plain(err))
	}
	defer resp.Body.Close()
	if encoding := resp.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return failed(fmt.Errorf("content encoding %.32q", encoding))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxBody+1))
	switch {
	case err != nil:
		return failed(plain(err))
	case len(body) > MaxBody:
		return failed(fmt.Errorf("longer than %d bytes", MaxBody))
	}
	return Answer{resp.StatusCode, resp.Header, body}, nil
}

// plain is an error of package net/http without the address, which may hold a
// secret, and without what a server said that does not speak HTTP, because it
// may have been told one.
func plain(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok && !e.Timeout() {
		err = e.Err
	} else if ok {
		return fmt.Errorf("no answer in time: %w", context.DeadlineExceeded)
	}
	_, isNet := errors.AsType[net.Error](err)
	_, isTLS := errors.AsType[*tls.CertificateVerificationError](err)
	if isNet || isTLS || errors.Is(err, context.Canceled) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return errors.New("the answer is not HTTP, or its header is too long")
}

// Get fetches a document of at most MaxBody bytes, within Timeout. Any status
// but 200 is an error, beside those of [Client.Do].
func (c *Client) Get(ctx context.Context, address string) ([]byte, http.Header, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, errors.New("not an address")
	}
	answer, err := c.Do(r)
	if err == nil && answer.Status != http.StatusOK {
		err = fmt.Errorf("GET %.200q: status %d", r.URL.Host+r.URL.Path, answer.Status)
	}
	if err != nil {
		return nil, nil, err
	}
	return answer.Body, answer.Header, nil
}
