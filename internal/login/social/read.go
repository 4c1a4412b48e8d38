package social

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"idpool/internal/fetch"
)

// get asks a provider and reads the JSON of its answer into out, whatever its
// status. Of an answer that is not JSON nothing is told but its status: it may
// say the question again, and that holds the token.
func (q question) get(ctx context.Context, path string, query url.Values, out any) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, q.endpoint+path+"?"+query.Encode(), nil)
	if err != nil {
		return 0, errors.New("the endpoint is not an address")
	}
	return q.send(r, out)
}

func (q question) send(r *http.Request, out any) (status int, err error) {
	a, err := q.client.Do(r)
	if err != nil {
		return 0, err
	}
	return a.Status, readJSON(r.URL.Path, a, out)
}

// readJSON reads exactly one JSON value. Names are exact; duplicate members and
// invalid UTF-8 are errors, because two readers could understand them
// differently.
func readJSON(path string, a fetch.Answer, out any) error {
	if err := json.Unmarshal(a.Body, out); err != nil {
		return fmt.Errorf("GET %s: status %d: not the JSON that was expected", path, a.Status)
	}
	return nil
}

// id is an ID that some write as a string and some as a number: its digits, as
// they were written.
type id string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (i *id) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	tok, err := dec.ReadToken()
	if err != nil {
		return err
	}
	if k := tok.Kind(); k != '"' && k != '0' {
		return errors.New("neither a string nor a number")
	}
	*i = id(tok.String())
	return nil
}
