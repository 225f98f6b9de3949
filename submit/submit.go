// Package submit turns what the contact center sent into submissions, and
// hands submissions to Temporal. The API uses it at acceptance, the relay in
// dispatch for what the API could not hand over.
package submit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"

	"puente/contactcenter"
	"puente/store"
	"puente/workflows"
)

// Method makes the submission of a method call. The key is the caller's
// Idempotency-Key, or a generated one.
func Method(portal string, m contactcenter.Method, key string, body []byte) store.Submission {
	return store.Submission{
		Portal: portal, Kind: store.KindMethod, Name: string(m), Key: key, IdempotencyKey: key,
		BodyHash: Hash(body), Body: body, WorkflowID: workflows.ContactCenterMethodID(portal, m, SafeID(key)),
	}
}

// Request makes the submission of a request; the idempotency key may be "".
func Request(portal string, r contactcenter.Request, idempotencyKey string, body []byte) store.Submission {
	return store.Submission{
		Portal: portal, Kind: store.KindRequest, Name: r.Channel, Key: r.ExternalID, IdempotencyKey: idempotencyKey,
		BodyHash: Hash(body), Body: body, WorkflowID: RequestWorkflow(portal, r.ExternalID),
	}
}

// RequestWorkflow is the id of the workflow of a request, by the contact
// center's own id.
func RequestWorkflow(portal, externalID string) string {
	return workflows.ContactCenterRequestID(portal, SafeID(externalID))
}

// safeID is what an id looks like that may be shown: a number of a form, a UUID.
// An e-mail has an @, a phone as people write it a + or spaces, a name spaces or
// other letters. Digits alone pass: they cannot be told from a number of a form.
var safeID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,200}$`)

// SafeID gives the name under which an id of the contact center is shown in
// workflow ids and search attributes, where nothing personal may stand: the id
// itself if it consists of 1 to 200 Latin letters, digits and . _ : - only, else
// "sha256-" and the first half of its hash. Different ids keep different names.
func SafeID(id string) string {
	if safeID.MatchString(id) {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "sha256-" + hex.EncodeToString(sum[:16])
}

// Hash is equal for equal JSON documents: spaces and the order of keys do not
// count. What is not JSON is hashed as it is.
func Hash(body []byte) string {
	sum := sha256.Sum256(canonical(body))
	return hex.EncodeToString(sum[:])
}

// canonical writes a JSON document in one way. Numbers keep their digits.
func canonical(body []byte) []byte {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil || decoder.More() {
		return body
	}
	plain, err := json.Marshal(tree)
	if err != nil { // a tree of JSON values always marshals
		return body
	}
	return plain
}
