package wire

import (
	"bytes"
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// wordsQuery are the framework's faults in the Query protocol.
var wordsQuery = framework{
	serialization:    ClientFault("MalformedInput"),
	validation:       ClientFault("ValidationError"),
	unknownOperation: ClientFault("InvalidAction"),
}

// serveQuery answers an AWS Query request: a form in the body, or in the
// query string.
func (h *Handler) serveQuery(ctx context.Context, r *http.Request, ev *Event, body []byte) answer {
	fail := func(svc *Service, f *failure) answer {
		f.note(ev)
		return f.xml(svc, ev.RequestID)
	}
	fields, err := parseForm(strings.Trim(r.URL.RawQuery+"&"+string(body), "&"))
	if err != nil {
		return fail(h.version(""), &failure{Fault: wordsQuery.serialization, msg: err.Error()})
	}
	svc := h.version(fields["Version"])
	ev.Service = svc.Name
	action := fields["Action"]
	if action == "" {
		return fail(svc, &failure{Fault: ClientFault("MissingAction"), msg: "The request must contain the parameter Action."})
	}
	op := svc.op(action)
	if op == nil || fields["Version"] != svc.Version {
		return fail(svc, &failure{Fault: wordsQuery.unknownOperation,
			msg: fmt.Sprintf("Could not find operation %s for version %s", shorten(action), cmp.Or(shorten(fields["Version"]), "NO_VERSION_SPECIFIED"))})
	}
	ev.Op = op.Name
	in, err := formTree(fields, "", op.Shape)
	if err != nil {
		return fail(svc, &failure{Fault: wordsQuery.serialization, msg: err.Error()})
	}
	out, f := svc.call(ctx, r, op, body, in, wordsQuery)
	if f != nil {
		return fail(svc, f)
	}
	text, err := svc.xml(op.Name, ev.RequestID, out)
	if err != nil {
		return fail(svc, svc.fail(err))
	}
	return answer{status: http.StatusOK, kind: xmlType, body: text}
}

const (
	formType = "application/x-www-form-urlencoded"
	xmlType  = "text/xml"
)

// version finds the service of an API version; the first of the Query services
// for one that nobody has, so that there is a namespace to answer in.
func (h *Handler) version(version string) *Service {
	var first *Service
	for _, svc := range h.Services {
		if svc.Version == "" {
			continue
		}
		if svc.Version == version {
			return svc
		}
		if first == nil {
			first = svc
		}
	}
	return first
}

// xml writes the document of a success.
func (s *Service) xml(op, requestID string, out any) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "<%sResponse xmlns=%q>\n", op, s.Namespace)
	if _, none := out.(Empty); !none {
		enc := xml.NewEncoder(&b)
		enc.Indent("  ", "  ")
		if err := enc.EncodeElement(out, xml.StartElement{Name: xml.Name{Local: op + "Result"}}); err != nil {
			return nil, err
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "  <ResponseMetadata>\n    <RequestId>%s</RequestId>\n  </ResponseMetadata>\n</%sResponse>\n", requestID, op)
	return b.Bytes(), nil
}

// quotes are written as they are: in a text they mean nothing, and the hosted
// service does not escape them.
var quotes = strings.NewReplacer("&#39;", "'", "&#34;", `"`)

// xml writes a failure as the Query protocol does, to the byte (behaviour 8.1).
func (f *failure) xml(svc *Service, requestID string) answer {
	blame := "Sender"
	if f.Status >= 500 {
		blame = "Receiver"
	}
	var msg strings.Builder
	xml.EscapeText(&msg, []byte(f.msg))
	body := fmt.Sprintf(`<ErrorResponse xmlns="%s">
  <Error>
    <Type>%s</Type>
    <Code>%s</Code>
    <Message>%s</Message>
  </Error>
  <RequestId>%s</RequestId>
</ErrorResponse>
`, svc.Namespace, blame, f.Code, quotes.Replace(msg.String()), requestID)
	return answer{status: f.Status, kind: xmlType, body: []byte(body)}
}

// maxFields bounds how many fields a form may have.
const maxFields = 1000

// parseForm reads the fields of a Query request. A name given twice is an
// error: two readers could take different ones.
func parseForm(text string) (map[string]string, error) {
	if strings.Count(text, "&") >= maxFields {
		return nil, fmt.Errorf("more than %d fields", maxFields)
	}
	fields := map[string]string{}
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		k, v, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(k)
		if err != nil {
			return nil, errors.New("a field's name is not percent-encoded")
		}
		field, err := url.QueryUnescape(v)
		if err != nil {
			return nil, errors.New("a field's value is not percent-encoded")
		}
		if _, twice := fields[name]; twice {
			return nil, fmt.Errorf("field %q stands twice", shorten(name))
		}
		if !utf8.ValidString(name) || !utf8.ValidString(field) {
			return nil, errors.New("a field is not valid UTF-8")
		}
		if len(text) > maxShared { // which what needs no unescaping is a part of
			name, field = strings.Clone(name), strings.Clone(field)
		}
		fields[name] = field
	}
	return fields, nil
}

// formTree builds the input's tree from the fields of a form, along its shape:
// "Tags.member.1.Key=a" is the first element of a list of structures.
func formTree(fields map[string]string, prefix string, shape Shape) (value, error) {
	text, given := fields[prefix]
	switch s := shape.(type) {
	case Struct:
		v := value{kind: '{'}
		for _, m := range s {
			name := m.Name
			if prefix != "" {
				name = prefix + "." + m.Name
			}
			inner, err := formTree(fields, name, m.Shape)
			if err != nil {
				return value{}, err
			}
			if inner.present() {
				v.members = append(v.members, member{m.Name, inner})
			}
		}
		if prefix != "" && len(v.members) == 0 && !given {
			return value{}, nil
		}
		return v, nil
	case List:
		v := value{kind: '['}
		for i := 1; hasPrefix(fields, fmt.Sprintf("%s.member.%d", prefix, i)); i++ {
			item, err := formTree(fields, fmt.Sprintf("%s.member.%d", prefix, i), s.Of)
			if err != nil {
				return value{}, err
			}
			v.items = append(v.items, item)
		}
		if n := countElements(fields, prefix+".member."); n != len(v.items) {
			return value{}, fmt.Errorf("the elements of %s are not numbered from 1 without gaps", shorten(prefix))
		}
		if len(v.items) == 0 && !given { // "List=" is how SDKs send an empty list
			return value{}, nil
		}
		return v, nil
	}
	if !given {
		return value{}, nil
	}
	switch shape.(type) {
	case Int, Long:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return value{}, fmt.Errorf("%s is not an integer", shorten(prefix))
		}
		return value{kind: '0', text: strconv.FormatInt(n, 10)}, nil
	case Bool:
		switch text {
		case "true":
			return value{kind: 't'}, nil
		case "false":
			return value{kind: 'f'}, nil
		}
		return value{}, fmt.Errorf("%s is neither true nor false", shorten(prefix))
	}
	return value{kind: '"', text: text}, nil
}

// hasPrefix reports whether a field is the name itself or lies below it.
func hasPrefix(fields map[string]string, name string) bool {
	if _, ok := fields[name]; ok {
		return true
	}
	for field := range fields {
		if strings.HasPrefix(field, name+".") {
			return true
		}
	}
	return false
}

// countElements counts the different element numbers below a list's name.
func countElements(fields map[string]string, prefix string) int {
	numbers := map[string]bool{}
	for field := range fields {
		if rest, ok := strings.CutPrefix(field, prefix); ok {
			number, _, _ := strings.Cut(rest, ".")
			numbers[number] = true
		}
	}
	return len(numbers)
}

// XMLList is a list in a Query answer. Unlike a plain slice it is written also
// when it is empty, as clients expect.
type XMLList[T any] []T

// MarshalXML writes the elements as <member>.
func (l XMLList[T]) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	for _, item := range l {
		if err := e.EncodeElement(item, xml.StartElement{Name: xml.Name{Local: "member"}}); err != nil {
			return err
		}
	}
	return e.EncodeToken(start.End())
}
