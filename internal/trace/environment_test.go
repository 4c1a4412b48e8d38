package trace

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFromEnvironment(t *testing.T) {
	t.Parallel()
	type env = map[string]string
	service := map[string]string{"service.name": "idpool"}
	with := func(change func(*Config)) *Config {
		c := &Config{Endpoint: "http://c:4318/v1/traces", Header: map[string]string{}, Timeout: 10 * time.Second, Resource: service, Ratio: 1, Follow: true}
		change(c)
		return c
	}
	const base = "OTEL_EXPORTER_OTLP_ENDPOINT"
	for name, c := range map[string]struct {
		env  env
		want *Config
		err  string
	}{
		"nothing":               {env{}, nil, ""},
		"no collector":          {env{"OTEL_SERVICE_NAME": "x", "OTEL_TRACES_SAMPLER": "nonsense"}, nil, ""},
		"switched off":          {env{base: "http://c:4318", "OTEL_SDK_DISABLED": "TRUE"}, nil, ""},
		"no exporter":           {env{base: "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, nil, ""},
		"a collector":           {env{base: "http://c:4318"}, with(func(*Config) {}), ""},
		"a slash":               {env{base: "http://c:4318/"}, with(func(*Config) {}), ""},
		"json, otlp":            {env{base: "http://c:4318", "OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, with(func(*Config) {}), ""},
		"a path":                {env{base: "https://c/in"}, with(func(c *Config) { c.Endpoint = "https://c/in/v1/traces" }), ""},
		"one for traces":        {env{base: "http://other", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://c/as/it/is"}, with(func(c *Config) { c.Endpoint = "https://c/as/it/is" }), ""},
		"headers":               {env{base: "http://c:4318", "OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b, x=1=2,"}, with(func(c *Config) { c.Header = map[string]string{"api-key": "a b", "x": "1=2"} }), ""},
		"headers of traces":     {env{base: "http://c:4318", "OTEL_EXPORTER_OTLP_HEADERS": "a=b", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "c=d"}, with(func(c *Config) { c.Header = map[string]string{"c": "d"} }), ""},
		"resource":              {env{base: "http://c:4318", "OTEL_RESOURCE_ATTRIBUTES": "service.name=x,zone=a"}, with(func(c *Config) { c.Resource = map[string]string{"service.name": "x", "zone": "a"} }), ""},
		"the name beats it":     {env{base: "http://c:4318", "OTEL_RESOURCE_ATTRIBUTES": "service.name=x", "OTEL_SERVICE_NAME": "y"}, with(func(c *Config) { c.Resource = map[string]string{"service.name": "y"} }), ""},
		"timeout":               {env{base: "http://c:4318", "OTEL_EXPORTER_OTLP_TIMEOUT": "250"}, with(func(c *Config) { c.Timeout = 250 * time.Millisecond }), ""},
		"ratio":                 {env{base: "http://c:4318", "OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"}, with(func(c *Config) { c.Ratio = 0.25 }), ""},
		"ratio, our own":        {env{base: "http://c:4318", "OTEL_TRACES_SAMPLER": "traceidratio"}, with(func(c *Config) { c.Follow = false }), ""},
		"always off":            {env{base: "http://c:4318", "OTEL_TRACES_SAMPLER": "parentbased_always_off"}, with(func(c *Config) { c.Ratio = 0 }), ""},
		"always on":             {env{base: "http://c:4318", "OTEL_TRACES_SAMPLER": "always_on"}, with(func(c *Config) { c.Follow = false }), ""},
		"grpc":                  {env{base: "http://c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, nil, `OTEL_EXPORTER_OTLP_PROTOCOL: spans are sent as http/json, not as "grpc"`},
		"another exporter":      {env{base: "http://c:4318", "OTEL_TRACES_EXPORTER": "zipkin"}, nil, `OTEL_TRACES_EXPORTER: "zipkin" is neither otlp nor none`},
		"no scheme":             {env{base: "c:4318"}, nil, "OTEL_EXPORTER_OTLP_ENDPOINT: it is not an address like http://127.0.0.1:4318"},
		"a sampler unknown":     {env{base: "http://c:4318", "OTEL_TRACES_SAMPLER": "some"}, nil, `OTEL_TRACES_SAMPLER: "some" is none of always_on, always_off, traceidratio, and parentbased_ before one of them`},
		"a ratio of two":        {env{base: "http://c:4318", "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "2"}, nil, `OTEL_TRACES_SAMPLER_ARG: "2" is not a number from 0 to 1`},
		"a ratio of none":       {env{base: "http://c:4318", "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "NaN"}, nil, `OTEL_TRACES_SAMPLER_ARG: "NaN" is not a number from 0 to 1`},
		"no time":               {env{base: "http://c:4318", "OTEL_EXPORTER_OTLP_TIMEOUT": "0"}, nil, `OTEL_EXPORTER_OTLP_TIMEOUT: "0" is not a number of milliseconds`},
		"a time with a unit":    {env{base: "http://c:4318", "OTEL_EXPORTER_OTLP_TIMEOUT": "10s"}, nil, `OTEL_EXPORTER_OTLP_TIMEOUT: "10s" is not a number of milliseconds`},
		"headers without value": {env{base: "http://c:4318", "OTEL_EXPORTER_OTLP_HEADERS": "topsecret"}, nil, "OTEL_EXPORTER_OTLP_HEADERS: it is not like key=value,key=value, percent-encoded"},
		"headers badly encoded": {env{base: "http://c:4318", "OTEL_EXPORTER_OTLP_HEADERS": "a=topsecret%"}, nil, "OTEL_EXPORTER_OTLP_HEADERS: it is not like key=value,key=value, percent-encoded"},
	} {
		got, err := FromEnvironment(func(name string) string { return c.env[name] })
		text := ""
		if err != nil {
			text = err.Error()
		}
		if text != c.err || strings.Contains(text, "topsecret") {
			t.Errorf("%s: got error %q, want %q", name, text, c.err)
		}
		if err == nil {
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	}
}
