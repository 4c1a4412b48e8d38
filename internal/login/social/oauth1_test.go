package social

import (
	"net/http"
	"strings"
	"testing"
)

// TestOAuth1 is Twitter's example ("Creating a signature"), with its form in the
// query.
func TestOAuth1(t *testing.T) {
	t.Parallel()
	const address = "https://api.twitter.com/1.1/statuses/update.json?include_entities=true&status=Hello%20Ladies%20%2B%20Gentlemen%2C%20a%20signed%20OAuth%20request%21"
	r, err := http.NewRequest("POST", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	o := oauth1{"xvz1evFS4wEEPTGEFPHBog", "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw", "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb", "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE"}
	o.signWith(r, "1318622958", "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg")
	if got := r.Header.Get("Authorization"); !strings.Contains(got, `oauth_signature="hCtSmYh%2BiHYCEqBWrE7C7hYmtUk%3D"`) {
		t.Error(got)
	}
}

// TestBaseString is the example of RFC 5849, 3.4.1.1, with its form in the
// query, and what 3.4.1.2 says of ports.
func TestBaseString(t *testing.T) {
	t.Parallel()
	r, err := http.NewRequest("POST", "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b&c2&a3=2+q", nil)
	if err != nil {
		t.Fatal(err)
	}
	got := baseString(r, map[string]string{
		"oauth_consumer_key": "9djdj82h48djs9d2", "oauth_token": "kkk9d7dh3k39sjv7", "oauth_signature_method": "HMAC-SHA1",
		"oauth_timestamp": "137131201", "oauth_nonce": "7d8f3e4a",
	})
	const want = "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26" +
		"oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	r.URL.Host = "example.com:8080"
	if got := baseString(r, nil); !strings.HasPrefix(got, "POST&http%3A%2F%2Fexample.com%3A8080%2Frequest&") {
		t.Errorf("another port: %s", got)
	}
}
