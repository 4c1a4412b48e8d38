package main

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// certificates is a certificate that is read again when its files change.
type certificates struct {
	certFile, keyFile string
	now               func() time.Time

	mu      sync.Mutex
	current *tls.Certificate
	changed time.Time // of the files, when they were read
	checked time.Time
}

// checkEvery is how often the files are looked at, at the most.
const checkEvery = time.Second

func newCertificates(certFile, keyFile string, now func() time.Time) (*certificates, error) {
	c := &certificates{certFile: certFile, keyFile: keyFile, now: now}
	c.checked = now()
	return c, c.read()
}

func (c *certificates) read() error {
	changed := c.modified()
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("read the certificate: %w", err)
	}
	c.current, c.changed = &pair, changed
	return nil
}

// modified is the later of the times at which the files changed.
func (c *certificates) modified() (latest time.Time) {
	for _, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil && info.ModTime().After(latest) {
			latest = info.ModTime()
		}
	}
	return latest
}

// get is the certificate of a handshake. While the files do not fit each other,
// in the middle of a change, the one before stays.
func (c *certificates) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.checked) >= checkEvery {
		c.checked = now
		if !c.modified().Equal(c.changed) {
			c.read()
		}
	}
	return c.current, nil
}
