package compat

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	ci "github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"idpool/internal/wire"
)

// known are the differences from the SDK that are meant to be, of one operation
// or of a whole service, each with its reason. One that is no longer found is an
// error, too.
var known = map[string]string{
	"cognito-identity:GetId: our type has no AccountId": "it is checked and not looked at",

	"sts: takes no MinimumSessionTokenSize":     "younger than the API of this server",
	"sts: answers no SessionTokenSize":          "younger than the API of this server",
	"sts: answers no SessionTokenUtilization":   "younger than the API of this server",
	"sts: takes no SerialNumber":                "there is no multi-factor authentication",
	"sts: takes no TokenCode":                   "there is no multi-factor authentication",
	"sts:AssumeRole: takes no ProvidedContexts": "of trusted token issuers, which there are none of",

	"iam:CreateAccessKey: can leave out AccessKey.UserName, theirs is required": "a key of root has no user",
	"iam: can leave out User.Path, theirs is required":                          "root has none",
	"iam: can leave out User.UserName, theirs is required":                      "root has none",
	"iam: can leave out Users[].Path, theirs is required":                       "the type is that of User",
	"iam: can leave out Users[].UserName, theirs is required":                   "the type is that of User",
	"iam: answers no Role.PermissionsBoundary":                                  "there are no permissions boundaries",
	"iam: answers no Roles[].PermissionsBoundary":                               "there are no permissions boundaries",
	"iam: answers no User.PermissionsBoundary":                                  "there are no permissions boundaries",
	"iam: answers no Users[].PermissionsBoundary":                               "there are no permissions boundaries",
	"iam: answers no Role.RoleLastUsed.LastUsedDate":                            "it is not noted",
	"iam: answers no Role.RoleLastUsed.Region":                                  "it is not noted",
	"iam: answers no Roles[].RoleLastUsed.LastUsedDate":                         "it is not noted",
	"iam: answers no Roles[].RoleLastUsed.Region":                               "it is not noted",
	"iam: answers no Role.SourceRoleTemplate":                                   "younger than the API of this server",
	"iam: answers no Roles[].SourceRoleTemplate":                                "younger than the API of this server",
	"iam: answers no User.PasswordLastUsed":                                     "nobody has a password",
	"iam: answers no Users[].PasswordLastUsed":                                  "nobody has a password",
	"iam:GetLoginProfile: answers no LoginProfile":                              "nobody has a password",
	"iam:GetAccessKeyLastUsed: answers no AccessKeyLastUsed.LastUsedDate":       "it is not noted",
	"iam:GetSAMLProvider: answers no AssertionEncryptionMode":                   "there are no encrypted assertions",
	"iam:GetSAMLProvider: answers no PrivateKeyList":                            "there are no encrypted assertions",
}

// sdk is what the SDK has of a service.
type sdk struct {
	client  reflect.Type
	folder  string
	members map[string]bool // "Type.Member" → documented as required
}

// TestDrift compares the shapes and types of every operation with the input and
// output types of the official SDK, both ways: names, kinds, what is required,
// and the values of enumerations.
func TestDrift(t *testing.T) {
	found := map[string]string{} // difference → the same for the whole service
	for _, service := range services {
		client := map[string]any{"cognito-identity": &ci.Client{}, "sts": &sts.Client{}, "iam": &iam.Client{}}[service.Name]
		if client == nil {
			t.Errorf("there is no SDK for %s", service.Name)
			continue
		}
		theirs := loadSDK(t, reflect.TypeOf(client))
		for _, op := range service.Ops {
			d := drift{sdk: theirs, service: service.Name, op: op.Name, found: found, xml: service.Version != ""}
			method, ok := theirs.client.MethodByName(op.Name)
			if !ok {
				d.say("the SDK has no such operation")
				continue
			}
			in, out := method.Type.In(2).Elem(), method.Type.Out(0).Elem()
			d.shape("", op.Shape, in)
			d.input("", op.Shape, op.In)
			d.output("", op.Out, out)
			if service.Target != "" {
				d.errors(t, service, op)
			}
		}
	}
	used := map[string]bool{}
	for _, difference := range slices.Sorted(maps.Keys(found)) {
		for _, key := range []string{difference, found[difference]} {
			used[key] = true
		}
		if known[difference] == "" && known[found[difference]] == "" {
			t.Error(difference)
		}
	}
	for difference := range known {
		if !used[difference] {
			t.Errorf("no longer true, take it off the list: %s", difference)
		}
	}
}

// drift gathers the differences of one operation.
type drift struct {
	sdk         *sdk
	service, op string
	xml         bool // its answers are XML
	found       map[string]string
}

func (d *drift) say(format string, args ...any) {
	what := ": " + fmt.Sprintf(format, args...)
	d.found[d.service+":"+d.op+what] = d.service + what
}

// join is the path of a member.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// indirect is the type behind a pointer.
func indirect(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// theirFields are the members of a type of the SDK.
func theirFields(t reflect.Type) map[string]reflect.StructField {
	fields := map[string]reflect.StructField{}
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && f.Name != "ResultMetadata" {
			fields[f.Name] = f
		}
	}
	return fields
}

// exported is a member's name as the SDK spells it.
func exported(name string) string { return string(unicode.ToUpper(rune(name[0]))) + name[1:] }

// shape compares one of our shapes with a type of the SDK's input.
func (d *drift) shape(path string, shape wire.Shape, theirs reflect.Type) {
	theirs = indirect(theirs)
	kind := func(want ...reflect.Kind) bool {
		if slices.Contains(want, theirs.Kind()) {
			return true
		}
		d.say("%s is %T, theirs is %s", path, shape, theirs)
		return false
	}
	switch s := shape.(type) {
	case wire.Str:
		if kind(reflect.String) {
			if got, want := slices.Sorted(slices.Values(s.Enum)), valuesOf(theirs); !slices.Equal(got, want) {
				d.say("%s takes the values %q, theirs are %q", path, got, want)
			}
		}
	case wire.Bool:
		kind(reflect.Bool)
	case wire.Int:
		kind(reflect.Int32)
	case wire.Long:
		kind(reflect.Int64)
	case wire.List:
		if kind(reflect.Slice) {
			d.shape(path+"[]", s.Of, theirs.Elem())
		}
	case wire.Map:
		if kind(reflect.Map) {
			d.shape(path+" keys", s.Key, theirs.Key())
			d.shape(path+"{}", s.Value, theirs.Elem())
		}
	case wire.Struct:
		if !kind(reflect.Struct) {
			return
		}
		fields := theirFields(theirs)
		for _, m := range s {
			at := join(path, m.Name)
			f, ok := fields[exported(m.Name)]
			if !ok {
				d.say("takes %s, theirs does not", at)
				continue
			}
			delete(fields, f.Name)
			required, documented := d.sdk.members[theirs.Name()+"."+f.Name]
			if !documented {
				d.say("%s is not found in the SDK's source", at)
			} else if required != m.Required {
				d.say("%s: required %t, theirs %t", at, m.Required, required)
			}
			d.shape(at, m.Shape, f.Type)
		}
		for name := range fields {
			d.say("takes no %s", join(path, name))
		}
	default:
		d.say("%s: unknown shape %T", path, shape)
	}
}

// valuesOf are the values of an enumeration of the SDK, sorted; nil for a type
// that is none.
func valuesOf(t reflect.Type) []string {
	method, ok := t.MethodByName("Values")
	if !ok {
		return nil
	}
	var values []string
	list := method.Func.Call([]reflect.Value{reflect.Zero(t)})[0]
	for i := range list.Len() {
		values = append(values, list.Index(i).String())
	}
	slices.Sort(values)
	return values
}

// ourFields are the members of a type of ours by their names on the wire, those
// of embedded structs included.
func ourFields(t reflect.Type, key string) map[string]reflect.StructField {
	fields := map[string]reflect.StructField{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get(key), ",")
		switch {
		case f.Anonymous:
			maps.Copy(fields, ourFields(f.Type, key))
		case name != "":
			fields[name] = f
		case f.IsExported():
			fields[f.Name] = f
		}
	}
	return fields
}

// input compares the type that an operation takes with its shape. The tree is
// JSON by then, in either protocol.
func (d *drift) input(path string, shape wire.Shape, ours reflect.Type) {
	ours = indirect(ours)
	kind := func(want ...reflect.Kind) bool {
		if ours.Kind() == reflect.Interface {
			d.say("our %s is anything, unlike its shape", strings.TrimRight(path, "[]{}"))
			return false
		}
		if slices.Contains(want, ours.Kind()) {
			return true
		}
		d.say("our %s is %s, its shape %T", path, ours, shape)
		return false
	}
	switch s := shape.(type) {
	case wire.Str:
		kind(reflect.String)
	case wire.Bool:
		kind(reflect.Bool)
	case wire.Int:
		kind(reflect.Int, reflect.Int32, reflect.Int64)
	case wire.Long:
		kind(reflect.Int64)
	case wire.List:
		if kind(reflect.Slice) {
			d.input(path+"[]", s.Of, ours.Elem())
		}
	case wire.Map:
		if kind(reflect.Map) {
			d.input(path+"{}", s.Value, ours.Elem())
		}
	case wire.Struct:
		if !kind(reflect.Struct) {
			return
		}
		fields := ourFields(ours, "json")
		for _, m := range s {
			if f, ok := fields[m.Name]; ok {
				d.input(join(path, m.Name), m.Shape, f.Type)
				delete(fields, m.Name)
			} else {
				d.say("our type has no %s", join(path, m.Name))
			}
		}
		for name := range fields {
			d.say("our type has %s, its shape does not", join(path, name))
		}
	}
}

// output compares the type that an operation answers with that of the SDK.
func (d *drift) output(path string, ours, theirs reflect.Type) {
	ours, theirs = indirect(ours), indirect(theirs)
	moment := reflect.TypeFor[time.Time]()
	switch {
	case theirs == moment: // in XML it is a text
		if !ours.ConvertibleTo(moment) && !(d.xml && ours.Kind() == reflect.String) {
			d.say("answers %s as %s, theirs is a time", path, ours)
		}
	case theirs.Kind() == reflect.Int32 || theirs.Kind() == reflect.Int64:
		if ours.Kind() != reflect.Int && ours.Kind() != reflect.Int32 && ours.Kind() != reflect.Int64 {
			d.say("answers %s as %s, theirs is %s", path, ours, theirs)
		}
	case strings.HasSuffix(path, "[]") && ours == reflect.TypeFor[struct{}](): // of a list that is always empty
	case theirs.Kind() != ours.Kind():
		d.say("answers %s as %s, theirs is %s", path, ours, theirs)
	case theirs.Kind() == reflect.Slice:
		d.output(path+"[]", ours.Elem(), theirs.Elem())
	case theirs.Kind() == reflect.Map:
		d.output(path+"{}", ours.Elem(), theirs.Elem())
	case theirs.Kind() == reflect.Struct:
		key := "json"
		if d.xml {
			key = "xml"
		}
		fields := ourFields(ours, key)
		for name, f := range theirFields(theirs) {
			at := join(path, name)
			mine, ok := fields[name]
			if !ok {
				d.say("answers no %s", at)
				continue
			}
			delete(fields, name)
			if required := d.sdk.members[theirs.Name()+"."+name]; required && strings.Contains(mine.Tag.Get(key), ",omit") {
				d.say("can leave out %s, theirs is required", at)
			}
			d.output(at, mine.Type, f.Type)
		}
		for name := range fields {
			d.say("answers %s, theirs does not", join(path, name))
		}
	}
}

// errors compares the failures that an operation declares with those that the
// SDK has types for.
func (d *drift) errors(t *testing.T, service *wire.Service, op wire.Op) {
	t.Helper()
	theirs := d.sdk.errorsOf(t, op.Name)
	if len(theirs) < 3 {
		t.Errorf("%s: only the errors %q are found in the SDK", op.Name, theirs)
	}
	for _, kind := range op.Errors {
		code := service.Faults[kind].Code
		if !slices.Contains(theirs, code) {
			d.say("declares %s, theirs does not", code)
		}
		theirs = slices.DeleteFunc(theirs, func(c string) bool { return c == code })
	}
	for _, code := range theirs {
		d.say("does not declare %s", code)
	}
}

// loadSDK reads the source of a client of the SDK.
func loadSDK(t *testing.T, client reflect.Type) *sdk {
	t.Helper()
	s := &sdk{client: client, members: map[string]bool{}}
	path := client.Elem().PkgPath()
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", path, path+"/types").Output()
	if err != nil {
		t.Fatalf("go list %s: %v", path, err)
	}
	folders := strings.Fields(string(out))
	s.folder = folders[0]
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if name := filepath.Base(file); strings.HasPrefix(name, "api_op_") || name == "types.go" {
				s.readMembers(t, file)
			}
		}
	}
	if len(s.members) < 10 {
		t.Fatalf("only %d members are found in the source of %s", len(s.members), path)
	}
	return s
}

// readMembers notes of every member of the structs in a file whether its
// comment says that it is required.
func (s *sdk) readMembers(t *testing.T, file string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if body, ok := spec.Type.(*ast.StructType); ok {
			for _, f := range body.Fields.List {
				for _, name := range f.Names {
					s.members[spec.Name.Name+"."+name.Name] = strings.Contains(f.Doc.Text(), "This member is required.")
				}
			}
		}
		return false
	})
}

var errorCase = regexp.MustCompile(`case strings\.EqualFold\("(\w+)", errorCode\):`)

// errorsOf are the codes that the SDK has a type for in an operation of the
// JSON protocol.
func (s *sdk) errorsOf(t *testing.T, op string) []string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(s.folder, "deserializers.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(source), "func awsAwsjson11_deserializeOpError"+op+"(")
	body, _, _ = strings.Cut(body, "\n}\n")
	var codes []string
	for _, m := range errorCase.FindAllStringSubmatch(body, -1) {
		codes = append(codes, m[1])
	}
	return codes
}
