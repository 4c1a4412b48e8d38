package trace

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Config says which traces are kept and where they go.
type Config struct {
	Endpoint string            // the address that takes spans
	Header   map[string]string // sent with them; may hold a secret
	Timeout  time.Duration     // of sending a batch
	Resource map[string]string // what the spans are about: service.name and more
	// Ratio is the part of the traces that is kept, from 0 to 1. With Follow
	// it counts for those that begin here; of others, who began them decided.
	Ratio  float64
	Follow bool
	Now    func() time.Time
}

// FromEnvironment reads the environment variables of the OpenTelemetry
// specification (Environment Variable Specification; Protocol Exporter), as
// far as they matter here. It returns nil if no collector is named, or traces
// are switched off. Now is left to the caller. No error holds the value of a
// header.
func FromEnvironment(getenv func(string) string) (*Config, error) {
	// What is for traces alone beats what is for all signals.
	get := func(name string) string {
		if own := getenv("OTEL_EXPORTER_OTLP_TRACES_" + name); own != "" {
			return own
		}
		return getenv("OTEL_EXPORTER_OTLP_" + name)
	}
	exporter := getenv("OTEL_TRACES_EXPORTER")
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") || exporter == "none" || get("ENDPOINT") == "" {
		return nil, nil
	}
	if exporter != "" && exporter != "otlp" {
		return nil, fmt.Errorf("OTEL_TRACES_EXPORTER: %q is neither otlp nor none", exporter)
	}
	if p := get("PROTOCOL"); p != "" && p != "http/json" {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL: spans are sent as http/json, not as %q", p)
	}
	c := &Config{Endpoint: getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), Timeout: 10 * time.Second}
	if c.Endpoint == "" { // the base of all signals
		c.Endpoint = strings.TrimSuffix(getenv("OTEL_EXPORTER_OTLP_ENDPOINT"), "/") + "/v1/traces"
	}
	if u, err := url.Parse(c.Endpoint); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("OTEL_EXPORTER_OTLP_ENDPOINT: it is not an address like http://127.0.0.1:4318")
	}
	if text := get("TIMEOUT"); text != "" {
		ms, err := strconv.ParseUint(text, 10, 31)
		if err != nil || ms == 0 {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_TIMEOUT: %q is not a number of milliseconds", text)
		}
		c.Timeout = time.Duration(ms) * time.Millisecond
	}
	var err error
	if c.Header, err = pairs(get("HEADERS")); err != nil {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_HEADERS: %w", err)
	}
	if c.Resource, err = pairs(getenv("OTEL_RESOURCE_ATTRIBUTES")); err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	if name := getenv("OTEL_SERVICE_NAME"); name != "" {
		c.Resource["service.name"] = name
	} else if c.Resource["service.name"] == "" {
		c.Resource["service.name"] = "idpool"
	}
	if err := c.sampler(getenv("OTEL_TRACES_SAMPLER"), getenv("OTEL_TRACES_SAMPLER_ARG")); err != nil {
		return nil, err
	}
	return c, nil
}

// pairs reads "key=value,key=value", percent-encoded (W3C Baggage).
func pairs(text string) (map[string]string, error) {
	list := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		key, value, found := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if key = strings.TrimSpace(key); !found || key == "" || err != nil {
			return nil, errors.New("it is not like key=value,key=value, percent-encoded")
		}
		list[key] = value
	}
	return list, nil
}

// sampler reads which traces are kept; by default, all.
func (c *Config) sampler(name, arg string) error {
	name, c.Follow = strings.CutPrefix(name, "parentbased_")
	switch name {
	case "":
		c.Follow, c.Ratio = true, 1
	case "always_on":
		c.Ratio = 1
	case "always_off":
		c.Ratio = 0
	case "traceidratio":
		c.Ratio = 1
		if arg != "" {
			r, err := strconv.ParseFloat(arg, 64)
			if err != nil || !(r >= 0 && r <= 1) {
				return fmt.Errorf("OTEL_TRACES_SAMPLER_ARG: %q is not a number from 0 to 1", arg)
			}
			c.Ratio = r
		}
	default:
		return fmt.Errorf("OTEL_TRACES_SAMPLER: %q is none of always_on, always_off, traceidratio, and parentbased_ before one of them", name)
	}
	return nil
}
