package vectors

import (
	"slices"
	"strings"
	"time"

	"idpool/internal/saml"
	"idpool/internal/saml/samltest"
)

// response makes a SAML response: a subject, and what is odd about it.
func (s *scene) response(arguments string, at time.Time) string {
	s.t.Helper()
	words := strings.Fields(arguments)
	wish := samltest.Wish{Subject: words[0], At: at}
	attributes := map[string][]string{saml.SessionNameAttribute: {words[0]}}
	signer, unsigned, of, provider := s.corp, false, s.corp.EntityID, "corp"
	var roles []string
	add := func(name, value string) { attributes[name] = append(attributes[name], value) }
	by := func(value string) time.Time {
		d, err := time.ParseDuration(value)
		if err != nil {
			s.t.Fatal(err)
		}
		return at.Add(d)
	}
	for _, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "role":
			roles = append(roles, value)
		case "provider":
			provider = value
		case "id":
			wish.ID = value
		case "at":
			wish.At = by(value)
		case "aud":
			wish.Audience = value
		case "to":
			wish.Recipient = value
		case "format":
			wish.Format = "urn:oasis:names:tc:SAML:2.0:nameid-format:" + value
		case "lasts":
			wish.SessionEnd = by(value)
		case "duration":
			add(saml.SessionDurationAttribute, value)
		case "session":
			attributes[saml.SessionNameAttribute] = []string{value}
		case "source":
			add(saml.SourceIdentityAttribute, value)
		case "tag":
			key, tag, _ := strings.Cut(value, ":")
			add(saml.TagAttributePrefix+key, tag)
		case "transitive":
			add(saml.TransitiveTagsAttribute, value)
		case "key":
			signer = samltest.New(s.corp.EntityID)
		case "unsigned":
			unsigned = true
		case "of":
			of = value
		default:
			add(name, value)
		}
	}
	if roles == nil {
		roles = []string{"Staff"}
	}
	for _, role := range roles {
		name, elsewhere, _ := strings.Cut(role, "@")
		account := s.values["account"]
		if elsewhere != "" {
			account = s.values[elsewhere]
		}
		add(saml.RoleAttribute, "arn:aws:iam::"+account+":role/"+name+",arn:aws:iam::"+s.values["account"]+":saml-provider/"+provider)
	}
	for name, values := range attributes {
		if !slices.Equal(values, []string{""}) { // an attribute without a value is not there
			wish.Attributes = append(wish.Attributes, append([]string{name}, values...))
		}
	}
	signer = &samltest.Provider{EntityID: of, Key: signer.Key, Certificate: signer.Certificate}
	text := signer.Response(wish)
	if unsigned {
		return samltest.Post(text)
	}
	return samltest.Post(signer.Sign(text, "Assertion"))
}
