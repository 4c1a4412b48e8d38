package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"idpool/internal/idpool"
)

// The toy service has one operation of each sort.
type toyInput struct {
	Name    string
	Count   int
	On      *bool
	Token   string
	IDs     []string `json:"Ids"`
	Logins  map[string]string
	Rules   []toyRule
	Outcome string
}

type toyRule struct{ Claim, Kind string }

var toyShape = Struct{
	Req("Name", Str{Min: 1, Max: 5, Pattern: Re(`[\w-]+:[0-9a-f-]+`)}),
	Opt("Count", Int{Min: 1, Max: 60}),
	Opt("On", Bool{}),
	Opt("Token", Str{Min: 4, Max: 10, Sensitive: true}),
	Opt("Ids", List{Min: 1, Max: 2, Of: Str{Min: 1, Max: 3, Pattern: Re(`[a-z]+`)}}),
	Opt("Logins", Map{Max: 2, Key: Str{Min: 1, Max: 4}, Value: Str{Min: 1, Max: 6, Sensitive: true}}),
	Opt("Rules", List{Of: Struct{
		Req("Claim", Str{Min: 1, Max: 3}),
		Opt("Kind", Str{Enum: []string{"Equals", "Contains"}}),
	}}),
	Opt("Outcome", Str{}),
}

type toyOutput struct {
	Echo  string
	Count int              `json:",omitzero"`
	Tags  XMLList[string]  `json:",omitempty"`
	Rules XMLList[toyRule] `json:",omitempty"`
}

var toyFaults = Faults{
	idpool.Internal:              ServerFault("InternalErrorException"),
	idpool.NotFound:              ClientFault("ResourceNotFoundException"),
	idpool.AccessDenied:          ClientFault("AccessDeniedException").Early(),
	idpool.Throttled:             ClientFault("TooManyRequestsException").Saying("Rate exceeded"),
	idpool.MissingAuthentication: ClientFault("MissingAuthenticationTokenException"),
}

func toyService() *Service {
	run := func(_ context.Context, in toyInput) (toyOutput, error) {
		switch in.Outcome {
		case "panic":
			panic("a secret that must not leave")
		case "internal":
			return toyOutput{}, errors.New("a detail that must not leave")
		case "missing":
			return toyOutput{}, idpool.Errorf(idpool.NotFound, "No <such> \"thing\".").Because(errors.New("the cause"))
		case "denied":
			return toyOutput{}, idpool.Errorf(idpool.AccessDenied, "no")
		case "throttled":
			return toyOutput{}, idpool.Errorf(idpool.Throttled, "this text is replaced")
		}
		out := toyOutput{Echo: in.Name, Count: in.Count}
		for _, r := range in.Rules {
			out.Rules = append(out.Rules, r)
		}
		return out, nil
	}
	return &Service{
		Name: "toy", Target: "ToyService", Version: "2020-01-01", Namespace: "https://toy.example/doc/2020-01-01/", Faults: toyFaults,
		Ops: []Op{
			Public("Do", toyShape, run),
			Signed("DoSigned", toyShape, func(ctx context.Context, _ idpool.Caller, in toyInput) (toyOutput, error) { return run(ctx, in) }),
			Public("Quiet", Struct{}, func(context.Context, struct{}) (Empty, error) { return Empty{}, nil }),
			Public("Braces", Struct{}, func(context.Context, struct{}) (struct{}, error) { return struct{}{}, nil }),
		},
		Authenticate: func(_ context.Context, r *http.Request, _ []byte) (idpool.Caller, error) {
			if r.Header.Get("Authorization") == "good" {
				return idpool.RootCaller("111122223333", "us-east-1", "AKIA"), nil
			}
			return idpool.Caller{}, idpool.Errorf(idpool.MissingAuthentication, "Missing Authentication Token")
		},
	}
}

// exchange sends one request to the toy service.
func exchange(t testing.TB, r *http.Request) (*httptest.ResponseRecorder, *Event) {
	t.Helper()
	var seen *Event
	h := &Handler{Services: []*Service{toyService()}, Now: time.Now, Observe: func(_ context.Context, ev *Event) {
		if seen != nil {
			t.Error("the event of one request was written twice")
		}
		seen = ev
	}}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w, seen
}

func jsonRequest(op, body string) *http.Request {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "ToyService."+op)
	return r
}

func formRequest(body string) *http.Request {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	return r
}

func TestJSONAnswers(t *testing.T) {
	const pattern = `Member must satisfy regular expression pattern: [\\w-]+:[0-9a-f-]+`
	one := func(text string) string {
		return `{"__type":"ValidationException","message":"1 validation error detected: ` + text + `"}`
	}
	serialization := func(text string) string { return `{"__type":"SerializationException","Message":"` + text + `"}` }
	deep := func(n int) string {
		return `{"Name":"a:1","Unknown":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`
	}
	for name, c := range map[string]struct {
		op, body string
		status   int
		want     string
	}{
		"success":                   {"Do", `{"Name":"a:1","Count":3}`, 200, `{"Echo":"a:1","Count":3}`},
		"null is absent":            {"Do", `{"Name":"a:1","Count":null,"Ids":null}`, 200, `{"Echo":"a:1"}`},
		"unknown member":            {"Do", `{"Name":"a:1","Other":{"x":[1]}}`, 200, `{"Echo":"a:1"}`},
		"white space":               {"Do", " {\n\"Name\" :\t\"a:1\" } \n", 200, `{"Echo":"a:1"}`},
		"escapes":                   {"Do", `{"Name":"\u0061:1"}`, 200, `{"Echo":"a:1"}`},
		"fraction is floored":       {"Do", `{"Name":"a:1","Count":3.9}`, 200, `{"Echo":"a:1","Count":3}`},
		"exponent":                  {"Do", `{"Name":"a:1","Count":1e1}`, 200, `{"Echo":"a:1","Count":10}`},
		"boolean as text":           {"Do", `{"Name":"a:1","On":"YES"}`, 200, `{"Echo":"a:1"}`},
		"no body":                   {"Quiet", `{}`, 200, ``},
		"braces":                    {"Braces", `{}`, 200, `{}`},
		"missing member":            {"Do", `{}`, 400, one(`Value null at 'name' failed to satisfy constraint: Member must not be null`)},
		"null member":               {"Do", `{"Name":null}`, 400, one(`Value null at 'name' failed to satisfy constraint: Member must not be null`)},
		"pattern":                   {"Do", `{"Name":"x"}`, 400, one(`Value 'x' at 'name' failed to satisfy constraint: ` + pattern)},
		"pattern is anchored":       {"Do", `{"Name":"a:1\n"}`, 400, one(`Value 'a:1\n' at 'name' failed to satisfy constraint: ` + pattern)},
		"upper case hexadecimal":    {"Do", `{"Name":"a:A"}`, 400, one(`Value 'a:A' at 'name' failed to satisfy constraint: ` + pattern)},
		"too long":                  {"Do", `{"Name":"a:1234"}`, 400, one(`Value 'a:1234' at 'name' failed to satisfy constraint: Member must have length less than or equal to 5`)},
		"two at once":               {"Do", `{"Name":""}`, 400, `{"__type":"ValidationException","message":"2 validation errors detected: Value '' at 'name' failed to satisfy constraint: ` + pattern + `; Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1"}`},
		"order of the shape":        {"Do", `{"Count":0}`, 400, `{"__type":"ValidationException","message":"2 validation errors detected: Value null at 'name' failed to satisfy constraint: Member must not be null; Value '0' at 'count' failed to satisfy constraint: Member must have value greater than or equal to 1"}`},
		"too small":                 {"Do", `{"Name":"a:1","Count":-1}`, 400, one(`Value '-1' at 'count' failed to satisfy constraint: Member must have value greater than or equal to 1`)},
		"too large":                 {"Do", `{"Name":"a:1","Count":61}`, 400, one(`Value '61' at 'count' failed to satisfy constraint: Member must have value less than or equal to 60`)},
		"negative fraction":         {"Do", `{"Name":"a:1","Count":-0.5}`, 400, one(`Value '-1' at 'count' failed to satisfy constraint: Member must have value greater than or equal to 1`)},
		"sensitive is hidden":       {"Do", `{"Name":"a:1","Token":"abc"}`, 400, one(`Value at 'token' failed to satisfy constraint: Member must have length greater than or equal to 4`)},
		"list too short":            {"Do", `{"Name":"a:1","Ids":[]}`, 400, one(`Value '[]' at 'ids' failed to satisfy constraint: Member must have length greater than or equal to 1`)},
		"list too long":             {"Do", `{"Name":"a:1","Ids":["a","b","c"]}`, 400, one(`Value '[a, b, c]' at 'ids' failed to satisfy constraint: Member must have length less than or equal to 2`)},
		"element of a list":         {"Do", `{"Name":"a:1","Ids":["a","B"]}`, 400, one(`Value '[a, B]' at 'ids' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 3, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [a-z]+]`)},
		"null element":              {"Do", `{"Name":"a:1","Ids":[null]}`, 400, one(`Value null at 'ids.1.member' failed to satisfy constraint: Member must not be null`)},
		"map key":                   {"Do", `{"Name":"a:1","Logins":{"prov5":"secret"}}`, 400, one(`Value '{prov5=}' at 'logins' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 4, Member must have length greater than or equal to 1]`)},
		"map value is hidden":       {"Do", `{"Name":"a:1","Logins":{"prov":""}}`, 400, one(`Value '{prov=}' at 'logins' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 6, Member must have length greater than or equal to 1]`)},
		"map is sorted":             {"Do", `{"Name":"a:1","Logins":{"b":"","a":"","c":""}}`, 400, `{"__type":"ValidationException","message":"2 validation errors detected: Value '{a=, b=, c=}' at 'logins' failed to satisfy constraint: Member must have length less than or equal to 2; Value '{a=, b=, c=}' at 'logins' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 6, Member must have length greater than or equal to 1]"}`},
		"null value":                {"Do", `{"Name":"a:1","Logins":{"p":null}}`, 400, one(`Value null at 'logins.p.member' failed to satisfy constraint: Member must not be null`)},
		"structure in a list":       {"Do", `{"Name":"a:1","Rules":[{"Claim":"a"},{"Kind":"Equals"}]}`, 400, one(`Value null at 'rules.2.member.claim' failed to satisfy constraint: Member must not be null`)},
		"enum":                      {"Do", `{"Name":"a:1","Rules":[{"Claim":"a","Kind":"Like"}]}`, 400, one(`Value 'Like' at 'rules.1.member.kind' failed to satisfy constraint: Member must satisfy enum value set: [Equals, Contains]`)},
		"length counts code points": {"Do", `{"Name":"a:1","Token":"ééééé🎉"}`, 200, `{"Echo":"a:1"}`},

		"string from number":    {"Do", `{"Name":1}`, 400, serialization(`class java.math.BigDecimal can not be converted to an String`)},
		"string from boolean":   {"Do", `{"Name":true}`, 400, serialization(`class java.lang.Boolean can not be converted to an String`)},
		"string from list":      {"Do", `{"Name":[]}`, 400, serialization(`Start of list found where not expected`)},
		"string from object":    {"Do", `{"Name":{}}`, 400, serialization(`Start of structure or map found where not expected.`)},
		"boolean from number":   {"Do", `{"Name":"a:1","On":1}`, 400, serialization(`class java.math.BigDecimal can not be converted to an Boolean`)},
		"boolean from text":     {"Do", `{"Name":"a:1","On":"perhaps"}`, 400, serialization(`'PERHAPS' can not be converted to an Boolean`)},
		"integer from text":     {"Do", `{"Name":"a:1","Count":"3"}`, 400, serialization(`class java.lang.String can not be converted to an Integer`)},
		"integer from boolean":  {"Do", `{"Name":"a:1","Count":false}`, 400, serialization(`class java.lang.Boolean can not be converted to an Integer`)},
		"integer out of range":  {"Do", `{"Name":"a:1","Count":2147483648}`, 400, serialization(`the number is out of range`)},
		"integer of digits":     {"Do", `{"Name":"a:1","Count":1e999999999}`, 400, serialization(`the number has too many digits`)},
		"list from text":        {"Do", `{"Name":"a:1","Ids":"a"}`, 400, serialization(`Expected list or null`)},
		"list from object":      {"Do", `{"Name":"a:1","Ids":{}}`, 400, serialization(`Start of structure or map found where not expected.`)},
		"map from text":         {"Do", `{"Name":"a:1","Logins":"a"}`, 400, serialization(`Expected map or null`)},
		"map from list":         {"Do", `{"Name":"a:1","Logins":[]}`, 400, serialization(`Start of list found where not expected`)},
		"structure from text":   {"Do", `{"Name":"a:1","Rules":["a"]}`, 400, serialization(`Expected null`)},
		"type inside a map":     {"Do", `{"Name":"a:1","Logins":{"p":[]}}`, 400, serialization(`Start of list found where not expected`)},
		"member in other case":  {"Do", `{"Name":"a:1","name":"b:2"}`, 400, serialization(`Member 'name' is spelled 'Name'`)},
		"types before limits":   {"Do", `{"Count":"3"}`, 400, serialization(`class java.lang.String can not be converted to an Integer`)},
		"not JSON":              {"Do", `{"Name":`, 400, `{"__type":"SerializationException"}`},
		"empty body":            {"Do", ``, 400, `{"__type":"SerializationException"}`},
		"not an object":         {"Do", `[]`, 400, `{"__type":"SerializationException"}`},
		"trailing data":         {"Do", `{"Name":"a:1"} {}`, 400, `{"__type":"SerializationException"}`},
		"duplicate member":      {"Do", `{"Name":"a:1","Name":"b:2"}`, 400, `{"__type":"SerializationException"}`},
		"duplicate by escape":   {"Do", `{"Name":"a:1","\u004eame":"b:2"}`, 400, `{"__type":"SerializationException"}`},
		"duplicate map key":     {"Do", `{"Name":"a:1","Logins":{"a":"1","a":"2"}}`, 400, `{"__type":"SerializationException"}`},
		"invalid UTF-8":         {"Do", "{\"Name\":\"a:\xff\"}", 400, `{"__type":"SerializationException"}`},
		"lone surrogate":        {"Do", `{"Name":"\ud800"}`, 400, `{"__type":"SerializationException"}`},
		"deep":                  {"Do", deep(maxDepth + 10), 400, `{"__type":"SerializationException"}`},
		"very deep":             {"Do", deep(100_000), 400, `{"__type":"SerializationException"}`},
		"not too deep":          {"Do", deep(maxDepth - 10), 200, `{"Echo":"a:1"}`},
		"unknown operation":     {"Nope", `{}`, 400, `{"__type":"UnknownOperationException"}`},
		"unknown, no body":      {"Nope", ``, 400, `{"__type":"UnknownOperationException"}`},
		"unsigned":              {"DoSigned", `{"Name":1}`, 400, `{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}`},
		"error of the domain":   {"Do", `{"Name":"a:1","Outcome":"missing"}`, 400, `{"__type":"ResourceNotFoundException","message":"No <such> \"thing\"."}`},
		"denial has capital M":  {"Do", `{"Name":"a:1","Outcome":"denied"}`, 400, `{"__type":"AccessDeniedException","Message":"no"}`},
		"fixed text":            {"Do", `{"Name":"a:1","Outcome":"throttled"}`, 400, `{"__type":"TooManyRequestsException","message":"Rate exceeded"}`},
		"internal hides detail": {"Do", `{"Name":"a:1","Outcome":"internal"}`, 500, `{"__type":"InternalErrorException","message":"Internal error."}`},
		"panic hides detail":    {"Do", `{"Name":"a:1","Outcome":"panic"}`, 500, `{"__type":"InternalErrorException","message":"Internal error."}`},
	} {
		t.Run(name, func(t *testing.T) {
			w, ev := exchange(t, jsonRequest(c.op, c.body))
			if w.Code != c.status || w.Body.String() != c.want {
				t.Errorf("answer %d %s\n  want %d %s", w.Code, w.Body, c.status, c.want)
			}
			if got := w.Header().Get("Content-Length"); got != fmt.Sprint(len(c.want)) && c.want == w.Body.String() {
				if got := w.Header()["Content-Length"]; len(got) != 1 || got[0] != fmt.Sprint(len(c.want)) {
					t.Errorf("Content-Length %q, want %d", got, len(c.want))
				}
			}
			if ev == nil || ev.Status != w.Code || (ev.Fault == "") != (w.Code == 200) {
				t.Errorf("event %+v does not tell of status %d", ev, w.Code)
			}
			if got := raw(w, "x-amzn-RequestId"); len(got) != 1 || got[0] != ev.RequestID || len(got[0]) != 36 {
				t.Errorf("request ID header %q, event %q", got, ev.RequestID)
			}
		})
	}
}

// raw is a header whose name is written as the hosted service writes it.
func raw(w *httptest.ResponseRecorder, name string) []string { return w.Header()[name] }

func TestCausesReachTheEventOnly(t *testing.T) {
	for outcome, want := range map[string]string{"internal": "a detail that must not leave", "missing": "the cause", "panic": "a secret that must not leave"} {
		w, ev := exchange(t, jsonRequest("Do", `{"Name":"a:1","Outcome":"`+outcome+`"}`))
		if ev.Cause == nil || !strings.Contains(ev.Cause.Error(), want) {
			t.Errorf("%s: cause %v, want %q", outcome, ev.Cause, want)
		}
		if strings.Contains(w.Body.String()+fmt.Sprint(w.Header()), want) {
			t.Errorf("%s: the answer tells the cause: %s %v", outcome, w.Body, w.Header())
		}
	}
}

func TestErrorHeaders(t *testing.T) {
	w, _ := exchange(t, jsonRequest("Do", `{"Name":"a:1","Outcome":"missing"}`))
	if got := raw(w, "x-amzn-ErrorType"); len(got) != 1 || got[0] != "ResourceNotFoundException:" {
		t.Errorf("x-amzn-ErrorType %q", got)
	}
	if got := raw(w, "x-amzn-ErrorMessage"); len(got) != 1 || got[0] != `No <such> "thing".` {
		t.Errorf("x-amzn-ErrorMessage %q", got)
	}
	w, _ = exchange(t, jsonRequest("Nope", `{}`))
	if got := raw(w, "x-amzn-ErrorType"); len(got) != 1 || got[0] != "UnknownOperationException:http://internal.amazon.com/coral/com.amazon.coral.service/" {
		t.Errorf("framework x-amzn-ErrorType %q", got)
	}
	w, _ = exchange(t, jsonRequest("Do", `{"Name":"é\r\nX-Evil: 1"}`))
	if got := raw(w, "x-amzn-ErrorMessage"); got != nil {
		t.Errorf("a message with line breaks became a header: %q", got)
	}
}

func TestRouting(t *testing.T) {
	const badRequest = `{"code":"BadRequest","message":"The server did not understand the operation that was requested.","type":"client"}`
	with := func(r *http.Request, kv ...string) *http.Request {
		for i := 0; i < len(kv); i += 2 {
			r.Header.Set(kv[i], kv[i+1])
		}
		return r
	}
	for name, c := range map[string]struct {
		r      *http.Request
		status int
		want   string
	}{
		"GET":                        {httptest.NewRequest("GET", "/", nil), 400, badRequest},
		"PUT":                        {httptest.NewRequest("PUT", "/", nil), 400, badRequest},
		"no content type, no target": {httptest.NewRequest("POST", "/", nil), 400, badRequest},
		"application/json":           {with(jsonRequest("Do", `{}`), "Content-Type", "application/json"), 400, `{"__type":"UnknownOperationException"}`},
		"other type, known target":   {with(jsonRequest("Do", `{}`), "Content-Type", "text/plain"), 404, "<UnknownOperationException/>\n"},
		"other type, unknown target": {with(jsonRequest("Nope", `{}`), "Content-Type", "text/plain"), 400, badRequest},
		"type with charset":          {with(jsonRequest("Do", `{"Name":"a:1"}`), "Content-Type", "application/x-amz-json-1.1; charset=utf-8"), 200, `{"Echo":"a:1"}`},
		"JSON 1.0":                   {with(jsonRequest("Do", `{"Name":"a:1"}`), "Content-Type", "application/x-amz-json-1.0"), 200, `{"Echo":"a:1"}`},
		"other service":              {with(jsonRequest("Do", `{}`), "X-Amz-Target", "OtherService.Do"), 400, `{"__type":"UnknownOperationException"}`},
		"signed, good":               {with(jsonRequest("DoSigned", `{"Name":"a:1"}`), "Authorization", "good"), 200, `{"Echo":"a:1"}`},
		"public, signed badly":       {with(jsonRequest("Do", `{"Name":"a:1"}`), "Authorization", "bad"), 400, `{"__type":"MissingAuthenticationTokenException","message":"Missing Authentication Token"}`},
		"too large":                  {jsonRequest("Do", `{"Name":"`+strings.Repeat("a", MaxBody)+`"}`), 413, ``},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := exchange(t, c.r)
			if w.Code != c.status || w.Body.String() != c.want {
				t.Errorf("answer %d %s\n  want %d %s", w.Code, w.Body, c.status, c.want)
			}
		})
	}
}

func TestTooLargeWithoutLength(t *testing.T) {
	r := jsonRequest("Do", "")
	r.Body = http.NoBody
	r = httptest.NewRequest("POST", "/", struct{ *strings.Reader }{strings.NewReader(strings.Repeat(" ", MaxBody+1))})
	r.ContentLength = -1
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	if w, _ := exchange(t, r); w.Code != 413 {
		t.Errorf("status %d, want 413", w.Code)
	}
}

func TestCORS(t *testing.T) {
	r := jsonRequest("Do", `{"Name":"a:1"}`)
	if w, _ := exchange(t, r); len(w.Header().Values("Access-Control-Allow-Origin")) > 0 {
		t.Error("CORS headers without an Origin")
	}
	for _, body := range []string{`{"Name":"a:1"}`, `{}`} {
		r := jsonRequest("Do", body)
		r.Header.Set("Origin", "https://app.example")
		w, _ := exchange(t, r)
		if got := w.Header().Get("Access-Control-Allow-Origin"); got != "*" {
			t.Errorf("%s: Access-Control-Allow-Origin %q", body, got)
		}
		if got := w.Header().Get("Access-Control-Expose-Headers"); got != "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,Date" {
			t.Errorf("%s: Access-Control-Expose-Headers %q", body, got)
		}
	}
	r = httptest.NewRequest("OPTIONS", "/", nil)
	r.Header.Set("Origin", "https://app.example")
	r.Header.Set("Access-Control-Request-Method", "POST")
	r.Header.Set("Access-Control-Request-Headers", "content-type,x-amz-target")
	w, _ := exchange(t, r)
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "POST",
		"Access-Control-Allow-Headers": "content-type,x-amz-target", "Access-Control-Max-Age": "172800", "Access-Control-Allow-Credentials": "",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("preflight %s: %q, want %q", name, got, want)
		}
	}
	if w.Code != 200 || w.Body.Len() > 0 {
		t.Errorf("preflight %d %q", w.Code, w.Body)
	}
}

func TestQueryAnswers(t *testing.T) {
	fault := func(code, msg string) string {
		escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(msg)
		return "<ErrorResponse xmlns=\"https://toy.example/doc/2020-01-01/\">\n  <Error>\n    <Type>Sender</Type>\n    <Code>" + code +
			"</Code>\n    <Message>" + escaped + "</Message>\n  </Error>\n  <RequestId>ID</RequestId>\n</ErrorResponse>\n"
	}
	const version = "&Version=2020-01-01"
	for name, c := range map[string]struct {
		form   string
		status int
		want   string
	}{
		"success": {"Action=Do&Name=a%3A1&Count=2&Rules.member.1.Claim=x&Rules.member.2.Claim=y&Rules.member.2.Kind=Equals" + version, 200,
			"<DoResponse xmlns=\"https://toy.example/doc/2020-01-01/\">\n  <DoResult>\n    <Echo>a:1</Echo>\n    <Count>2</Count>\n    <Tags></Tags>\n    <Rules>\n      <member>\n        <Claim>x</Claim>\n        <Kind></Kind>\n      </member>\n      <member>\n        <Claim>y</Claim>\n        <Kind>Equals</Kind>\n      </member>\n    </Rules>\n  </DoResult>\n  <ResponseMetadata>\n    <RequestId>ID</RequestId>\n  </ResponseMetadata>\n</DoResponse>\n"},
		"no result": {"Action=Quiet" + version, 200,
			"<QuietResponse xmlns=\"https://toy.example/doc/2020-01-01/\">\n  <ResponseMetadata>\n    <RequestId>ID</RequestId>\n  </ResponseMetadata>\n</QuietResponse>\n"},
		"constraint":           {"Action=Do&Name=x" + version, 400, fault("ValidationError", `1 validation error detected: Value 'x' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w-]+:[0-9a-f-]+`)},
		"missing":              {"Action=Do" + version, 400, fault("ValidationError", `1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null`)},
		"empty list":           {"Action=Do&Name=a:1&Ids=" + version, 400, fault("ValidationError", `1 validation error detected: Value '[]' at 'ids' failed to satisfy constraint: Member must have length greater than or equal to 1`)},
		"not an integer":       {"Action=Do&Name=a:1&Count=x" + version, 400, fault("MalformedInput", "Count is not an integer")},
		"not a boolean":        {"Action=Do&Name=a:1&On=1" + version, 400, fault("MalformedInput", "On is neither true nor false")},
		"gap in a list":        {"Action=Do&Name=a:1&Ids.member.1=a&Ids.member.3=b" + version, 400, fault("MalformedInput", "the elements of Ids are not numbered from 1 without gaps")},
		"list from zero":       {"Action=Do&Name=a:1&Ids.member.0=a" + version, 400, fault("MalformedInput", "the elements of Ids are not numbered from 1 without gaps")},
		"field twice":          {"Action=Do&Name=a:1&Name=b:2" + version, 400, fault("MalformedInput", `field "Name" stands twice`)},
		"Action twice":         {"Action=Do&Action=Quiet" + version, 400, fault("MalformedInput", `field "Action" stands twice`)},
		"bad escape":           {"Action=Do&Name=%zz" + version, 400, fault("MalformedInput", "a field's value is not percent-encoded")},
		"bad UTF-8":            {"Action=Do&Name=%ff" + version, 400, fault("MalformedInput", "a field is not valid UTF-8")},
		"too many fields":      {"Action=Do" + strings.Repeat("&a=1", maxFields) + version, 400, fault("MalformedInput", "more than 1000 fields")},
		"no action":            {"Name=a:1" + version, 400, fault("MissingAction", "The request must contain the parameter Action.")},
		"unknown action":       {"Action=Nope" + version, 400, fault("InvalidAction", "Could not find operation Nope for version 2020-01-01")},
		"unknown version":      {"Action=Do&Version=1999-01-01", 400, fault("InvalidAction", "Could not find operation Do for version 1999-01-01")},
		"no version":           {"Action=Do", 400, fault("InvalidAction", "Could not find operation Do for version NO_VERSION_SPECIFIED")},
		"unsigned":             {"Action=DoSigned&Name=a:1" + version, 400, fault("MissingAuthenticationTokenException", "Missing Authentication Token")},
		"escaped in a message": {"Action=Do&Name=a:1&Outcome=missing" + version, 400, fault("ResourceNotFoundException", `No <such> "thing".`)},
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range []*http.Request{formRequest(c.form), httptest.NewRequest("GET", "/?"+c.form, nil)} {
				if r.Method == "GET" && !strings.Contains(c.form, "Action=") {
					continue // not a Query request at all
				}
				w, ev := exchange(t, r)
				want := strings.ReplaceAll(c.want, "<RequestId>ID<", "<RequestId>"+ev.RequestID+"<")
				if w.Code != c.status || w.Body.String() != want {
					t.Errorf("%s: answer %d\n%s\nwant %d\n%s", r.Method, w.Code, w.Body, c.status, want)
				}
				if got := w.Header().Get("Content-Type"); got != "text/xml" {
					t.Errorf("Content-Type %q", got)
				}
			}
		})
	}
}

func TestTimeIsWrittenAsEpochSeconds(t *testing.T) {
	for ms, want := range map[int64]string{1538078988077: "1538078988.077", 1727419245000: "1727419245", 0: "0", 1538078988100: "1538078988.100"} {
		got, err := Time(time.UnixMilli(ms)).MarshalJSON()
		if err != nil || string(got) != want {
			t.Errorf("%d ms: %s, %v; want %s", ms, got, err, want)
		}
		var back Time
		if err := back.UnmarshalJSON(got); err != nil || time.Time(back).UnixMilli() != ms {
			t.Errorf("%s read as %d, %v", got, time.Time(back).UnixMilli(), err)
		}
	}
}

func TestPatternsCountTheVerticalTab(t *testing.T) {
	if !Re(`[\w\s]+`).re.MatchString("a\vb") {
		t.Error(`\s lacks the vertical tab`)
	}
	if Re(`[\S]+`).re.MatchString("a\vb") {
		t.Error(`\S has the vertical tab`)
	}
}

// FuzzJSON holds: no panic, no 5xx, and what is accepted names the operation's
// own words.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{"Name":"a:1"}`, `{"Name":"a:1","Count":1e2,"On":"no","Ids":["a"],"Logins":{"a":"b"},"Rules":[{"Claim":"x"}]}`,
		`{`, `[]`, `{"Name":null}`, `{"Name":"\ud83d\ude00"}`, "\x00", `{"Name":"a:1","Count":-0}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		w, _ := exchange(t, jsonRequest("Do", body))
		if w.Code >= 500 && !strings.Contains(body, "internal") && !strings.Contains(body, "panic") {
			t.Fatalf("%d for %q: %s", w.Code, body, w.Body)
		}
	})
}

// FuzzQuery holds: no panic and no 5xx.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"Action=Do&Name=a:1&Version=2020-01-01", "Action=Do&Rules.member.1.Claim=x&Version=2020-01-01", "Ids.member.=1", "=&=&%", "Action=Quiet&Version=2020-01-01&Ids="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		w, _ := exchange(t, formRequest(body))
		if w.Code >= 500 && !strings.Contains(body, "internal") && !strings.Contains(body, "panic") {
			t.Fatalf("%d for %q: %s", w.Code, body, w.Body)
		}
	})
}

// discard is where a benchmark's answers go.
type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

// BenchmarkJSON is one request with a token from its bytes to the answer's, with
// nothing in between.
func BenchmarkJSON(b *testing.B) {
	h := &Handler{Services: []*Service{{
		Name: "toy", Target: "ToyService", Faults: toyFaults,
		Ops: []Op{Public("Sign", Struct{
			Req("IdentityPoolId", Str{Min: 1, Max: 55, Pattern: Re(`[\w-]+:[0-9a-f-]+`)}),
			Opt("Logins", Map{Max: 10, Key: Str{Min: 1, Max: 128}, Value: Str{Min: 1, Max: 50000, Sensitive: true}}),
		}, func(_ context.Context, in struct {
			IdentityPoolID string `json:"IdentityPoolId"`
			Logins         map[string]string
		}) (toyOutput, error) {
			return toyOutput{Echo: in.IdentityPoolID}, nil
		})},
	}}, Now: time.Now, Observe: func(context.Context, *Event) {}}
	body := strings.NewReader(`{"IdentityPoolId":"us-east-1:0189bd5c-7a0e-7b3c-9b57-3f0f4ab1c2d3","Logins":{"accounts.example.com":"` + strings.Repeat("eyJhbGciOiJSUzI1NiJ9.", 40) + `"}}`)
	r := httptest.NewRequest("POST", "/", body)
	r.Header.Set("Content-Type", jsonType)
	r.Header.Set("X-Amz-Target", "ToyService.Sign")
	w := discard{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		body.Seek(0, io.SeekStart)
		h.ServeHTTP(w, r)
	}
}
