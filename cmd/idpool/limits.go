package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"idpool/internal/limit"
)

// limitsConfig is the section "limits" of the configuration file: a preset, and
// figures that take the place of its own. Rates are in requests a second. Zero
// means no limit.
type limitsConfig struct {
	Preset          string             `yaml:"preset"`            // default, aws or off
	Operations      map[string]float64 `yaml:"operations"`        // of one account, by operation
	OtherOperations *float64           `yaml:"other_operations"`  // of one account, each
	Address         *float64           `yaml:"address"`           // of one client address, public operations together
	Guests          *float64           `yaml:"guests"`            // new ones of one pool from one client address
	GuestMaxAge     time.Duration      `yaml:"guest_max_age"`     // after which guests nobody uses are deleted
	Pools           *int               `yaml:"pools"`             // of an account in a region
	UserPoolClients *int               `yaml:"user_pool_clients"` // of a pool
	Rules           *int               `yaml:"rules"`             // of a role mapping
	Tags            *int               `yaml:"tags"`              // of a pool
	OIDCProviders   *int               `yaml:"oidc_providers"`    // of an account
}

// minGuestMaxAge keeps an operator from deleting the guests of a running visit.
const minGuestMaxAge = time.Hour

// limits are the figures that result. In development mode there are none unless
// the file asks for a preset: a test suite is a flood.
func (c limitsConfig) limits(dev bool) (limit.Config, error) {
	preset := c.Preset
	if preset == "" && dev {
		preset = limit.Off
	}
	l, ok := limit.Preset(cmp.Or(preset, limit.Default))
	if !ok {
		return l, fmt.Errorf("limits.preset: %q is none of %s", c.Preset, strings.Join(limit.Presets(), ", "))
	}
	if c.GuestMaxAge != 0 && c.GuestMaxAge < minGuestMaxAge {
		return l, fmt.Errorf("limits.guest_max_age: %s is less than %s", c.GuestMaxAge, minGuestMaxAge)
	}
	for name, rate := range c.Operations {
		if l.Operations == nil {
			l.Operations = map[string]float64{}
		}
		l.Operations[name] = rate
	}
	override(&l.Others, c.OtherOperations)
	override(&l.Address, c.Address)
	override(&l.Guests, c.Guests)
	override(&l.Pools, c.Pools)
	override(&l.UserPoolClients, c.UserPoolClients)
	override(&l.Rules, c.Rules)
	override(&l.Tags, c.Tags)
	override(&l.OIDCProviders, c.OIDCProviders)
	return l, nil
}

func override[T any](figure *T, given *T) {
	if given != nil {
		*figure = *given
	}
}
