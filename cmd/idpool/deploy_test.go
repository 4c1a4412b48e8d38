package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// deployed reads a file of deploy/.
func deployed(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDeploySettings: every setting that deploy/ uses is one of serve, with a
// value that serve takes.
func TestDeploySettings(t *testing.T) {
	known := []string{}
	new(serveCommand).command().Flags().VisitAll(func(defined *pflag.Flag) {
		known = append(known, defined.Value.(*flag).env)
	})
	if len(known) < 15 {
		t.Fatalf("serve knows %q only", known)
	}
	seen := 0
	err := filepath.WalkDir("../../deploy", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, name := range regexp.MustCompile(`\bIDPOOL_[A-Z_]*[A-Z]`).FindAllString(string(text), -1) {
			seen++
			if !slices.Contains(known, name) {
				t.Errorf("%s uses %s, which serve does not know", path, name)
			}
		}
		return nil
	})
	if err != nil || seen < 20 {
		t.Errorf("%d settings (%v)", seen, err)
	}
	for _, file := range []string{"compose/idpool.yaml", "kubernetes/base/idpool.yaml"} {
		if c, err := readConfig(filepath.Join("../../deploy", file), nil); err != nil || c.Limits.Address == nil && c.Network.TrustedProxies == nil {
			t.Errorf("%s: everybody would be the balancer (%v)", file, err)
		}
	}
}

// serves holds that serve takes the settings of a node, as far as it can tell
// without the machine.
func serves(t *testing.T, what string, settings map[string]string) serveCommand {
	t.Helper()
	for name, value := range settings {
		if name != "IDPOOL_CONFIG" { // is somewhere else
			t.Setenv(name, value)
		}
	}
	var c serveCommand
	if err := fill(c.command(), environment); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	if err := c.check(); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	return c
}

// documents reads a YAML file, which may be several.
func documents(t *testing.T, text string) (list []map[string]any) {
	t.Helper()
	dec := yaml.NewDecoder(strings.NewReader(text))
	for {
		var d map[string]any
		if err := dec.Decode(&d); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, d)
	}
}

// at walks down into a document: names of members, and indices.
func at(t *testing.T, v any, path ...any) any {
	t.Helper()
	for i, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				t.Fatalf("nothing at %v", path[:i+1])
			}
			v = l[step]
		}
		if v == nil {
			t.Fatalf("nothing at %v", path[:i+1])
		}
	}
	return v
}

func TestCompose(t *testing.T) {
	file := documents(t, deployed(t, "compose/compose.yaml"))[0]
	balancer := deployed(t, "compose/haproxy.cfg")
	nodes := 0
	for name, service := range at(t, file, "services").(map[string]any) {
		if !strings.HasPrefix(name, "node") {
			continue
		}
		nodes++
		if !strings.Contains(balancer, fmt.Sprintf("server %s %s:8437", name, name)) {
			t.Errorf("the balancer does not know %s", name)
		}
		settings := map[string]string{}
		for name, value := range at(t, service, "environment").(map[string]any) {
			settings[name] = regexp.MustCompile(`\$\{\w+:[^}]*\}`).ReplaceAllString(value.(string), "secret")
		}
		maps.Copy(settings, imageSettings(t))
		c := serves(t, name, settings)
		grace, err := time.ParseDuration(at(t, service, "stop_grace_period").(string))
		if err != nil || c.StopDelay == 0 || c.StopDelay+10*time.Second > grace {
			t.Errorf("%s has %s to stop (%v), and the delay is %s", name, grace, err, c.StopDelay)
		}
		if at(t, service, "read_only") != true || at(t, service, "cap_drop", 0) != "ALL" {
			t.Errorf("%s may do more than it needs", name)
		}
	}
	address := at(t, file, "services", "balancer", "networks", "inside", "ipv4_address")
	if c, err := readConfig("../../deploy/compose/idpool.yaml", nil); err != nil || fmt.Sprint(c.Network.TrustedProxies) != fmt.Sprintf("[%s/32]", address) {
		t.Errorf("the balancer is at %v, and the nodes trust %v (%v)", address, c.Network.TrustedProxies, err)
	}
	for _, line := range []string{"option forwardfor", "del-header X-Forwarded-For", "set-header X-Forwarded-Proto"} {
		if !strings.Contains(balancer, line) {
			t.Errorf("the nodes believe the balancer, which does not %q", line)
		}
	}
	if nodes != 3 || !strings.Contains(balancer, "uri /readyz") || !strings.Contains(balancer, "check port 8438") {
		t.Errorf("%d nodes; the balancer does not ask whether they are ready", nodes)
	}
	out, err := exec.Command("bash", "-n", "../../deploy/compose/secrets.sh").CombinedOutput()
	if err != nil {
		t.Errorf("secrets.sh: %s", out)
	}
}

// imageSettings are those that the image has already.
func imageSettings(t *testing.T) map[string]string {
	t.Helper()
	text := deployed(t, "Dockerfile")
	settings := map[string]string{}
	for _, m := range regexp.MustCompile(`(IDPOOL_\w+)=(\S+)`).FindAllStringSubmatch(text, -1) {
		settings[m[1]] = m[2]
	}
	_, final, found := strings.Cut(text, "\nFROM scratch\n")
	if !found || len(settings) != 3 || !regexp.MustCompile(`\nUSER 65532:65532\n`).MatchString(final) || !strings.Contains(final, "ca-certificates.crt") {
		t.Errorf("the image is not what it should be: %v", settings)
	}
	return settings
}

func TestKubernetes(t *testing.T) {
	deployment := documents(t, deployed(t, "kubernetes/base/deployment.yaml"))[0]
	pod := at(t, deployment, "spec", "template", "spec")
	container := at(t, pod, "containers", 0)
	settings := map[string]string{"IDPOOL_ISSUER": "https://id.example.com"} // what an overlay adds
	for _, entry := range at(t, container, "env").([]any) {
		e := entry.(map[string]any)
		value, plain := e["value"].(string)
		if !plain {
			value = "from the secret " + at(t, e, "valueFrom", "secretKeyRef", "key").(string)
		}
		settings[e["name"].(string)] = value
	}
	example := deployed(t, "kubernetes/example/kustomization.yaml")
	if !strings.Contains(example, "name: IDPOOL_ISSUER") {
		t.Error("the example sets no issuer")
	}
	secrets := deployed(t, "kubernetes/example/secret.env")
	for _, key := range []string{"database-url", "root-access-key-id", "root-secret-access-key", "master.key"} {
		if !strings.Contains("\n"+secrets, "\n"+key+"=") {
			t.Errorf("the example's secret has no %s", key)
		}
	}
	maps.Copy(settings, map[string]string{"IDPOOL_DATA": imageSettings(t)["IDPOOL_DATA"]})
	c := serves(t, "the pod", settings)
	if grace := at(t, pod, "terminationGracePeriodSeconds").(int); c.StopDelay == 0 || c.StopDelay+10*time.Second > time.Duration(grace)*time.Second {
		t.Errorf("a pod has %d s to stop, and the delay is %s", grace, c.StopDelay)
	}
	ports := map[any]any{}
	for _, p := range at(t, container, "ports").([]any) {
		ports[at(t, p, "name")] = at(t, p, "containerPort")
	}
	for probe, path := range map[string]string{"livenessProbe": "/livez", "startupProbe": "/livez", "readinessProbe": "/readyz"} {
		get := at(t, container, probe, "httpGet")
		if at(t, get, "path") != path || ports[at(t, get, "port")] != 8438 {
			t.Errorf("%s asks %v", probe, get)
		}
	}
	if !strings.HasSuffix(c.AdminListen, ":8438") || !strings.HasSuffix(c.Listen, ":8437") || ports["api"] != 8437 {
		t.Errorf("it listens on %s and %s, and the ports are %v", c.Listen, c.AdminListen, ports)
	}
	security := at(t, container, "securityContext")
	if at(t, pod, "securityContext", "runAsNonRoot") != true || at(t, security, "readOnlyRootFilesystem") != true ||
		at(t, security, "allowPrivilegeEscalation") != false || at(t, security, "capabilities", "drop", 0) != "ALL" {
		t.Errorf("a pod may do more than it needs: %v", security)
	}
	base := documents(t, deployed(t, "kubernetes/base/kustomization.yaml"))[0]
	kinds := map[string]int{}
	for _, name := range at(t, base, "resources").([]any) {
		for _, d := range documents(t, deployed(t, "kubernetes/base/"+name.(string))) {
			kinds[at(t, d, "kind").(string)]++
		}
	}
	for _, kind := range []string{"Deployment", "Service", "PodDisruptionBudget", "ServiceAccount", "NetworkPolicy"} {
		if kinds[kind] == 0 {
			t.Errorf("there is no %s", kind)
		}
	}
	if kubectl, err := exec.LookPath("kubectl"); err == nil {
		if out, err := exec.Command(kubectl, "kustomize", "../../deploy/kubernetes/example").CombinedOutput(); err != nil {
			t.Errorf("kubectl kustomize: %s", out)
		}
	}
}

// TestSystemd: the unit is one, and what it may do is little.
func TestSystemd(t *testing.T) {
	unit := deployed(t, "systemd/idpool.service")
	for _, line := range []string{"DynamicUser=yes", "StateDirectory=idpool", "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes",
		"PrivateDevices=yes", "MemoryDenyWriteExecute=yes", "SystemCallFilter=@system-service", "CapabilityBoundingSet=", "LimitCORE=0"} {
		if !strings.Contains(unit, "\n"+line+"\n") {
			t.Errorf("%s is missing", line)
		}
	}
	serves(t, "the unit", map[string]string{"IDPOOL_DATA": "/var/lib/idpool"})
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		return // what it says of the unit is more than the test needs
	}
	dir := t.TempDir()
	binary := filepath.Join(dir, "idpool")
	path := filepath.Join(dir, "idpool.service")
	err = errors.Join(os.WriteFile(binary, []byte("#!/bin/sh\n"), 0o755), os.WriteFile(path, []byte(strings.ReplaceAll(unit, "/usr/local/bin/idpool", binary)), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "verify", path).CombinedOutput(); err != nil || len(bytes.TrimSpace(out)) > 0 {
		t.Errorf("systemd-analyze verify: %v: %s", err, out)
	}
	if out, err := exec.Command(analyze, "security", "--offline=true", "--threshold=20", path).CombinedOutput(); err != nil { // 2.0
		t.Errorf("systemd-analyze security: %v: %s", err, out)
	}
}

// TestGrafana: the dashboard can be read, no two panels are in one place, and
// every query has a place and a data source. That its metrics exist is tested
// where there are some (package node).
func TestGrafana(t *testing.T) {
	var dashboard struct {
		Title, UID string
		Panels     []struct {
			ID          int
			Type, Title string
			GridPos     struct{ X, Y, W, H int }
			Targets     []struct{ RefID, Expr string }
		}
	}
	if err := json.Unmarshal([]byte(deployed(t, "grafana/idpool.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	ids, queries := map[int]bool{}, 0
	var taken [200][24]string
	for _, p := range dashboard.Panels {
		if ids[p.ID] || p.Title == "" || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %d %q at %+v", p.ID, p.Title, p.GridPos)
		}
		ids[p.ID] = true
		for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				if taken[y][x] != "" {
					t.Fatalf("%q lies over %q", p.Title, taken[y][x])
				}
				taken[y][x] = p.Title
			}
		}
		for _, q := range p.Targets {
			queries++
			if strings.Count(q.Expr, "(") != strings.Count(q.Expr, ")") || strings.Count(q.Expr, "{") != strings.Count(q.Expr, "}") || !strings.Contains(q.Expr, "$instance") {
				t.Errorf("%s: %s", p.Title, q.Expr)
			}
		}
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%s asks nothing", p.Title)
		}
	}
	if queries < 15 || dashboard.UID != "idpool" {
		t.Errorf("%d queries", queries)
	}
}
