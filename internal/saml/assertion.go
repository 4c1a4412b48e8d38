package saml

import (
	"cmp"
	"slices"
	"time"

	"github.com/beevik/etree"
)

const (
	bearer      = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
	unspecified = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
	maxSubject  = 256 // bytes of a NameID (SAML V2.0 Core, 8.3.7)
)

// assertion reads a verified assertion, which stands alone, and holds it to
// "Use of SAML by relying parties" (SAML V2.0 Profiles, 4.1.4.3).
func (v *Verifier) assertion(e *etree.Element, m Metadata, now time.Time) (a Assertion, why *Refusal) {
	a.ID, a.Issuer, a.Attributes = value(e, "ID"), m.EntityID, map[string][]string{}
	if version := value(e, "Version"); version != "2.0" {
		return a, refuse("version", "2.0", "%s", quoted(version))
	}
	if why := checkIssuer(e, m); why != nil {
		return a, why
	}
	issued, why := timeOf(e, "IssueInstant")
	if why != nil {
		return a, why
	}
	a.IssueInstant, a.NotBefore = issued, issued
	for _, read := range []func(*etree.Element, *Assertion) *Refusal{v.subject, v.conditions, session, attributes} {
		if why := read(e, &a); why != nil {
			return a, why
		}
	}
	return a, a.checkTimes(now)
}

// subject reads who it is, and for whom the assertion was sent.
func (v *Verifier) subject(e *etree.Element, a *Assertion) *Refusal {
	subject, ok := only(e, assertionSpace, "Subject")
	if !ok {
		return refuse("subject", "one", "none, or several")
	}
	name, ok := only(subject, assertionSpace, "NameID")
	if !ok {
		return refuse("subject", "one NameID", "none, or several")
	}
	a.Subject = NameID{Format: cmp.Or(value(name, "Format"), unspecified), NameQualifier: value(name, "NameQualifier"),
		SPNameQualifier: value(name, "SPNameQualifier")}
	if a.Subject.Value, ok = plainText(name); !ok || a.Subject.Value == "" || len(a.Subject.Value) > maxSubject {
		return refuse("subject", "a NameID of 1 to 256 bytes of text", "%d bytes, or elements", len(a.Subject.Value))
	}
	confirmation, ok := only(subject, assertionSpace, "SubjectConfirmation")
	if !ok {
		return refuse("confirmation", "one", "none, or several")
	}
	if method := value(confirmation, "Method"); method != bearer {
		return refuse("confirmation", bearer, "%s", quoted(method))
	}
	data, ok := only(confirmation, assertionSpace, "SubjectConfirmationData")
	if !ok {
		return refuse("confirmation", "one SubjectConfirmationData", "none, or several")
	}
	a.Recipient = value(data, "Recipient")
	if !awsRecipient.MatchString(a.Recipient) && !slices.Contains(v.config.Recipients, a.Recipient) {
		return refuse("recipient", "one of https://[REGION.]signin.aws.amazon.com/[static/]saml and "+list(v.config.Recipients), "%s", quoted(a.Recipient))
	}
	if _, why := timeOf(data, "NotOnOrAfter"); why != nil { // it must be there
		return why
	}
	return a.window(data)
}

// conditions reads for whom the assertion is. A condition that is not known
// could mean that it is not for us (SAML V2.0 Core, 2.5.1.1).
func (v *Verifier) conditions(e *etree.Element, a *Assertion) *Refusal {
	conditions, ok := only(e, assertionSpace, "Conditions")
	if !ok {
		return refuse("conditions", "one Conditions", "none, or several")
	}
	for _, condition := range conditions.ChildElements() {
		switch {
		case named(condition, assertionSpace, "AudienceRestriction"):
			if why := v.audience(condition, a); why != nil {
				return why
			}
		case named(condition, assertionSpace, "OneTimeUse"), named(condition, assertionSpace, "ProxyRestriction"):
		default:
			return refuse("conditions", "AudienceRestriction, OneTimeUse or ProxyRestriction", "%s", quoted(condition.FullTag()))
		}
	}
	if a.Audience == "" {
		return refuse("audience", "one of "+list(v.config.Audiences), "no AudienceRestriction")
	}
	return a.window(conditions)
}

// audience holds that an AudienceRestriction has an audience that is accepted.
func (v *Verifier) audience(restriction *etree.Element, a *Assertion) *Refusal {
	var got []string
	for _, e := range children(restriction, assertionSpace, "Audience") {
		audience, ok := plainText(e)
		if ok && slices.Contains(v.config.Audiences, audience) {
			a.Audience = audience
			return nil
		}
		got = append(got, audience)
	}
	return refuse("audience", "one of "+list(v.config.Audiences), "%s", list(got))
}

// session reads the sessions at the provider. What ends first counts.
func session(e *etree.Element, a *Assertion) *Refusal {
	for _, statement := range children(e, assertionSpace, "AuthnStatement") {
		if a.SessionIndex == "" {
			a.SessionIndex = value(statement, "SessionIndex")
		}
		if value(statement, "SessionNotOnOrAfter") == "" {
			continue
		}
		end, why := timeOf(statement, "SessionNotOnOrAfter")
		if why != nil {
			return why
		}
		if a.SessionNotOnOrAfter.IsZero() || end.Before(a.SessionNotOnOrAfter) {
			a.SessionNotOnOrAfter = end
		}
	}
	return nil
}

// attributes reads the attributes. Two of one name are one with the values of
// both.
func attributes(e *etree.Element, a *Assertion) *Refusal {
	for _, statement := range children(e, assertionSpace, "AttributeStatement") {
		for _, attribute := range children(statement, assertionSpace, "Attribute") {
			name := value(attribute, "Name")
			if name == "" {
				return refuse("attributes", "a name", "an attribute without")
			}
			for _, value := range children(attribute, assertionSpace, "AttributeValue") {
				if text, ok := plainText(value); ok {
					a.Attributes[name] = append(a.Attributes[name], text)
				}
			}
		}
	}
	return nil
}

// window narrows the time of an assertion by that of one of its elements.
func (a *Assertion) window(e *etree.Element) *Refusal {
	if value(e, "NotBefore") != "" {
		start, why := timeOf(e, "NotBefore")
		if why != nil {
			return why
		}
		if start.After(a.NotBefore) {
			a.NotBefore = start
		}
	}
	if value(e, "NotOnOrAfter") != "" {
		end, why := timeOf(e, "NotOnOrAfter")
		if why != nil {
			return why
		}
		if a.NotOnOrAfter.IsZero() || end.Before(a.NotOnOrAfter) {
			a.NotOnOrAfter = end
		}
	}
	return nil
}

// checkTimes holds that the time of an assertion has come and is not over.
func (a *Assertion) checkTimes(now time.Time) *Refusal {
	a.Until = a.NotOnOrAfter.Add(skew)
	if redeemed := a.IssueInstant.Add(redeem + skew); redeemed.Before(a.Until) {
		a.Until = redeemed
	}
	switch {
	case a.NotBefore.After(now.Add(skew)):
		return refuse("start", "not before "+shown(a.NotBefore), "%s", shown(now))
	case !now.Before(a.Until):
		return refuse("expiry", "before "+shown(a.NotOnOrAfter)+", and within 5 minutes of "+shown(a.IssueInstant), "%s", shown(now))
	case !a.SessionNotOnOrAfter.IsZero() && !now.Before(a.SessionNotOnOrAfter):
		return refuse("expiry", "a session that ends after "+shown(now), "%s", shown(a.SessionNotOnOrAfter))
	}
	return nil
}

// timeOf reads an attribute that must be there and be a time.
func timeOf(e *etree.Element, name string) (time.Time, *Refusal) {
	text := value(e, name)
	t, err := moment(text)
	if err != nil {
		return t, refuse("conditions", name+" of "+e.Tag+" as a time in UTC", "%s", quoted(text))
	}
	return t, nil
}

// list shows a few texts from outside.
func list(texts []string) string {
	if len(texts) == 0 {
		return "none"
	}
	out := ""
	for i, text := range texts {
		if i == 4 {
			return out + " …"
		}
		if i > 0 {
			out += " "
		}
		out += quoted(text)
	}
	return out
}
