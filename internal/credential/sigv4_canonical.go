package credential

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// appendCanonical writes a request in the one form that is signed ("Create a
// canonical request"), with the hash of the body as it was received.
func (s *Signature) appendCanonical(b []byte, r *http.Request, hash string) ([]byte, error) {
	b = append(b, r.Method...)
	b = append(b, '\n')
	b = appendPath(b, r.URL)
	b = append(b, '\n')
	b, err := appendQuery(b, r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	b = append(b, '\n')
	for _, name := range s.headers {
		b = append(b, name...)
		b = append(b, ':')
		if b, err = appendValues(b, r, name); err != nil {
			return nil, err
		}
		b = append(b, '\n')
	}
	b = append(b, '\n')
	for i, name := range s.headers {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, name...)
	}
	b = append(b, '\n')
	return append(b, hash...), nil
}

// appendPath writes the path: normalised, and encoded once more than it came,
// as for every service but S3.
func appendPath(b []byte, u *url.URL) []byte {
	raw := wirePath(u)
	if raw == "" || raw == "/" {
		return append(b, '/')
	}
	clean := path.Clean(raw)
	if strings.HasSuffix(raw, "/") && clean != "/" {
		clean += "/"
	}
	return appendEscaped(b, clean, '/')
}

// wirePath is the path as it stood in the request line. RawPath is that, where
// EscapedPath would not give it back, provided that nobody changed Path since.
func wirePath(u *url.URL) string {
	if u.RawPath != "" {
		if decoded, err := url.PathUnescape(u.RawPath); err == nil && decoded == u.Path {
			return u.RawPath
		}
	}
	return u.EscapedPath()
}

// appendQuery writes the parameters in the order of their encoded names and
// values, without the signature itself.
func appendQuery(b []byte, query string) ([]byte, error) {
	if query == "" {
		return b, nil
	}
	type param struct{ name, value string }
	var params []param
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, err := unescapePair(pair)
		if err != nil {
			return nil, err
		}
		if name == paramSignature { // none beside an Authorization header
			continue
		}
		params = append(params, param{string(appendEscaped(nil, name, 0)), string(appendEscaped(nil, value, 0))})
	}
	slices.SortFunc(params, func(a, b param) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	for i, p := range params {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(b, p.name...)
		b = append(b, '=')
		b = append(b, p.value...)
	}
	return b, nil
}

// appendEscaped percent-encodes all but the unreserved characters of RFC 3986
// and the one to be kept.
func appendEscaped(b []byte, text string, keep byte) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~', c == keep && keep != 0:
			b = append(b, c)
		default:
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return b
}

// appendValues writes the values of a signed header, each without blanks
// around it and with single blanks in it. net/http keeps Host apart, and a
// client's request has its Content-Length only there.
func appendValues(b []byte, r *http.Request, name string) ([]byte, error) {
	values := valuesOf(r.Header, name)
	switch {
	case name == "host":
		return appendFolded(b, r.Host), nil
	case len(values) == 0 && name == "content-length" && r.ContentLength >= 0:
		return strconv.AppendInt(b, r.ContentLength, 10), nil
	case len(values) == 0:
		return nil, invalid("The signed header '%.64s' is not in the request.", name)
	}
	for i, value := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendFolded(b, value)
	}
	return b, nil
}

// valuesOf is [http.Header.Values] for a name in lower case, without a copy of
// the name for each that net/http does not know.
func valuesOf(header http.Header, name string) []string {
	canonical, first := append(make([]byte, 0, 64), name...), true
	for i, c := range canonical {
		if first && 'a' <= c && c <= 'z' {
			canonical[i] -= 'a' - 'A'
		}
		first = c == '-'
	}
	return header[string(canonical)]
}

func appendFolded(b []byte, value string) []byte {
	if strings.IndexByte(value, ' ') < 0 && strings.IndexByte(value, '\t') < 0 { // a token, say
		return append(b, value...)
	}
	start := len(b)
	for i := range len(value) {
		c := value[i]
		if c != ' ' && c != '\t' {
			b = append(b, c)
		} else if len(b) > start && b[len(b)-1] != ' ' {
			b = append(b, ' ')
		}
	}
	if len(b) > start && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
}
