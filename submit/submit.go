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

// safeID is what ids of the contact center look like. A phone, an e-mail or a
// name does not.
var safeID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,200}$`)

// SafeID makes a foreign id fit for workflow ids, search attributes and
// addresses, without making two ids one: whatever is longer than 200 bytes or
// holds other characters than letters, digits and . _ : - becomes a hash.
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
