package main

import (
	"errors"
	"fmt"
	"strings"

	"idpool/internal/saml"
)

// samlConfig says for whom SAML assertions may be, beside AWS and this server.
type samlConfig struct {
	Audiences  []string `yaml:"audiences"`
	Recipients []string `yaml:"recipients"`
}

func (c samlConfig) check() error {
	var errs []error
	for i, audience := range c.Audiences {
		if !strings.Contains(audience, ":") { // SAML V2.0 Core, 2.5.1.4
			errs = append(errs, fmt.Errorf("saml.audiences[%d]: %q is not a URI", i, audience))
		}
	}
	for i, recipient := range c.Recipients {
		if !strings.HasPrefix(recipient, "https://") && !strings.HasPrefix(recipient, "http://") {
			errs = append(errs, fmt.Errorf("saml.recipients[%d]: %q is not an address", i, recipient))
		}
	}
	return errors.Join(errs...)
}

func (c samlConfig) config() saml.Config {
	return saml.Config{Audiences: c.Audiences, Recipients: c.Recipients}
}
