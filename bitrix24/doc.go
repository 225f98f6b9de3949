// Package bitrix24 speaks the Bitrix24 REST protocol (v2, "/rest/") and nothing else: it knows how a request is written,
// what an answer can look like and which of the portal's errors may be tried again. It holds no rules of the product and
// imports nothing of it.
//
// [Client] makes one HTTP request per call. [Loader] is the same [Gateway] with a queue in front: it gathers the commands
// of many callers into one "batch" request, because a portal allows about two requests a second and fifty commands in
// each (bitrix24 reference §2.1, §2.4). Whoever depends on [Gateway] needs not know which of the two it has.
//
// Neither repeats a failed call: that is the business of whoever knows whether the call was a read or a create. There are
// three exceptions, none of which can do a thing twice: waiting for a permit, one repetition with a fresh access token
// after 401 expired_token, and one repetition at the new address after the portal was renamed (302).
//
// Every error that leaves the package is an [*Error] and carries a [Kind], the answer to "what now?". Its text never
// contains an address with a secret, a token or a body.
package bitrix24
