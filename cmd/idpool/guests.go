package main

import (
	"errors"
	"fmt"
	"os"

	"idpool/internal/policy"
)

// guestsConfig is the section "guests" of the configuration file.
type guestsConfig struct {
	// PolicyFiles hold the session policies that limit guests in the enhanced
	// flow, one JSON document each. Absent: those of the hosted service. An
	// empty list: none, so that a guest may do whatever the role allows.
	PolicyFiles []string `yaml:"policy_files"`
}

// policies are the documents in the files, each under the name of its file; nil
// if the section does not say. The error names every file that is wrong.
func (c guestsConfig) policies() ([]policy.Policy, error) {
	if c.PolicyFiles == nil {
		return nil, nil
	}
	list, errs := []policy.Policy{}, []error{}
	for _, path := range c.PolicyFiles {
		p, err := readPolicy(path)
		if err != nil {
			errs = append(errs, fmt.Errorf("guests.policy_files: %w", err))
		}
		list = append(list, p)
	}
	return list, errors.Join(errs...)
}

func readPolicy(path string) (policy.Policy, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return policy.Policy{}, err
	}
	document, err := policy.Parse(string(text), policy.Identity)
	if err != nil {
		return policy.Policy{}, fmt.Errorf("%s: %w", path, err)
	}
	return policy.Policy{Name: path, Document: document}, nil
}
