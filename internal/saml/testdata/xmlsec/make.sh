#!/usr/bin/env bash
# Makes the responses of this folder anew, with xmlsec1 and openssl: signatures
# that none of our code had a part in. Run it in this folder.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
entity=https://idp.example.com/saml
keys=""
key() { # name, what openssl takes
	openssl req -x509 -newkey "${@:2}" -nodes -keyout "$work/$1.key" -out "$work/$1.crt" -subj /CN=idp -days 1 2>/dev/null
	keys+="<KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>$(openssl x509 -in "$work/$1.crt" -outform DER | base64 -w0)</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>"
}
key rsa rsa:2048
key p256 ec -pkeyopt ec_paramgen_curve:P-256
key p384 ec -pkeyopt ec_paramgen_curve:P-384
echo "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"$entity\"><IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">$keys</IDPSSODescriptor></EntityDescriptor>" >metadata.xml

signature() { # ID, signature method, digest method, inside of the last transform
	cat <<-XML
		<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
		  <ds:SignedInfo>
		    <ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>
		    <ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#$2"/>
		    <ds:Reference URI="#$1">
		      <ds:Transforms>
		        <ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>
		        <ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#">${4:-}</ds:Transform>
		      </ds:Transforms>
		      <ds:DigestMethod Algorithm="http://www.w3.org/2001/04/$3"/>
		      <ds:DigestValue/>
		    </ds:Reference>
		  </ds:SignedInfo>
		  <ds:SignatureValue/>
		  <ds:KeyInfo><ds:X509Data/></ds:KeyInfo>
		</ds:Signature>
	XML
}

response() { # signature of the response, signature of the assertion
	cat <<-XML
		<?xml version="1.0" encoding="UTF-8"?>
		<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"
		    xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:unused="urn:unused"
		    Version='2.0' ID="_response"   IssueInstant="2026-01-02T03:04:05Z" Destination="https://signin.aws.amazon.com/saml">
		  <saml:Issuer>$entity</saml:Issuer>$1
		  <samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
		  <Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion" ID="_assertion" Version="2.0" IssueInstant="2026-01-02T03:04:05.678Z">
		    <Issuer>$entity</Issuer>$2
		    <Subject>
		      <NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">ann &amp; &lt;Bob&gt; &#xFC;é</NameID>
		      <SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
		        <SubjectConfirmationData NotOnOrAfter="2026-01-02T03:09:05Z" Recipient="https://signin.aws.amazon.com/saml"/>
		      </SubjectConfirmation>
		    </Subject>
		    <Conditions NotBefore="2026-01-02T03:03:05Z" NotOnOrAfter="2026-01-02T03:09:05Z">
		      <AudienceRestriction><Audience>urn:amazon:webservices</Audience></AudienceRestriction>
		    </Conditions>
		    <AttributeStatement>
		      <Attribute Name="groups">
		        <AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">one "two" 'three'</AttributeValue>
		        <saml:AttributeValue xml:lang="de">  vier	&#x9;fünf
		</saml:AttributeValue>
		        <AttributeValue></AttributeValue>
		      </Attribute>
		    </AttributeStatement>
		  </Assertion>
		</samlp:Response>
	XML
}

sign() { # key, element, file in, file out
	xmlsec1 --sign --privkey-pem "$work/$1.key,$work/$1.crt" --id-attr:ID "$2" --output "$4" "$3" 2>/dev/null
}
inclusive='<ec:InclusiveNamespaces xmlns:ec="http://www.w3.org/2001/10/xml-exc-c14n#" PrefixList="xs"/>'
assertion=urn:oasis:names:tc:SAML:2.0:assertion:Assertion
whole=urn:oasis:names:tc:SAML:2.0:protocol:Response
response "" "$(signature _assertion rsa-sha256 xmlenc#sha256)" >"$work/a" && sign rsa $assertion "$work/a" rsa-sha256.xml
response "" "$(signature _assertion rsa-sha384 xmldsig-more#sha384 "$inclusive")" >"$work/a" && sign rsa $assertion "$work/a" rsa-sha384-inclusive.xml
response "$(signature _response rsa-sha512 xmlenc#sha512)" "" >"$work/a" && sign rsa $whole "$work/a" response-rsa-sha512.xml
response "" "$(signature _assertion ecdsa-sha256 xmlenc#sha256)" >"$work/a" && sign p256 $assertion "$work/a" ecdsa-p256.xml
response "$(signature _response ecdsa-sha384 xmldsig-more#sha384 "$inclusive")" "" >"$work/a" && sign p384 $whole "$work/a" response-ecdsa-p384.xml
