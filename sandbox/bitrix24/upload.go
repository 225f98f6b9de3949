package bitrix24

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// uploadMethod is the name of an upload in counters and fault rules.
	uploadMethod = "upload"
	// uploadField is the form field that carries the file.
	uploadField = "file"
)

// The docs say nothing of a wrong token. A client has to ask for a new address anyway.
var errUploadToken = core("Upload token is wrong")

// uploadRoutes are the addresses that attachRecord gives out: one for
// applications, as the docs show it, and one for webhooks, made likewise.
func (p *Portal) uploadRoutes(mux *http.ServeMux) {
	mux.HandleFunc("POST /rest/upload.json", p.serveUpload)
	mux.HandleFunc("POST /rest/{user}/{secret}/upload.json", p.serveUpload)
}

// uploadURL is where the record of a call is to be sent. Its token names the
// call and the file and is signed together with the credential it was asked
// for with, as the samples of the docs decode to; so it lives as long as that
// credential. Whether it may be used again the docs do not say: here it may not.
func (c *call) uploadURL(callID, name string) string {
	payload := url.Values{"callId": {callID}, "fileName": {name}, "_": {secret()[:32]}}.Encode()
	query := url.Values{"token": {c.p.signUpload(payload, c.who.credential)}}
	if c.who.kind == authWebhook {
		return c.base + "/rest/" + strconv.Itoa(c.who.user) + "/" + c.who.credential + "/upload.json?" + query.Encode()
	}
	return c.base + "/rest/upload.json?" + url.Values{"auth": {c.who.credential}}.Encode() + "&" + query.Encode()
}

// signUpload makes the token "telephony|payload|signature".
func (p *Portal) signUpload(payload, credential string) string {
	encoded := base64.StdEncoding.EncodeToString([]byte(payload))
	mac := hmac.New(sha256.New, []byte(p.opts.MemberID))
	mac.Write([]byte("upload|telephony|" + encoded + "|" + credential))
	return "telephony|" + encoded + "|" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// readUpload checks a token and gives what it names: callId, fileName, and in
// "_" what tells it from others.
func (p *Portal) readUpload(token, credential string) (url.Values, error) {
	parts := strings.Split(token, "|")
	if len(parts) != 3 {
		return nil, errUploadToken
	}
	payload, err := base64.StdEncoding.DecodeString(parts[1])
	if err != nil || !same(token, p.signUpload(string(payload), credential)) {
		return nil, errUploadToken
	}
	values, err := url.ParseQuery(string(payload))
	if err != nil {
		return nil, errUploadToken
	}
	return values, nil
}

// serveUpload takes a record. It is a request like others to the limit, the
// counters and the fault rules, where it is called "upload"; but its body goes
// to the disk piece by piece.
func (p *Portal) serveUpload(w http.ResponseWriter, r *http.Request) {
	if moved := p.movedTo(); moved != "" {
		http.Redirect(w, r, moved+r.URL.RequestURI(), http.StatusFound) //nolint:gosec // a test sets the target
		return
	}
	req := &request{method: uploadMethod, params: newDict(), source: sourceOf(r), base: p.base(r)}
	parseQuery(req.params, r.URL.RawQuery)
	req.user, req.secret = toID(r.PathValue("user")), r.PathValue("secret")
	p.stats.request()
	if !p.limiter.take(req.source) {
		p.stats.refuse()
		drain(r)
		writeAnswer(w, errQueryLimit.status, errQueryLimit.body())
		return
	}
	p.stats.command(uploadMethod)
	fault := p.faults.match([]string{uploadMethod})
	if fault != nil && (fault.Kind == "status" || fault.Kind == "html") {
		drain(r)
	}
	if fault.spoils(w, r, false) {
		return
	}
	status, body := p.upload(r, req)
	drain(r)
	if !fault.spoils(w, r, true) {
		writeAnswer(w, status, body)
	}
}

// drain reads a body to its end: the web server before the portal has a request
// as a whole before the portal sees it, so no answer overtakes the upload.
func drain(r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) } // the caller may be gone

// sourceOf is the address that a request came from.
func sourceOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// upload authorizes an upload, stores it and attaches it to its call.
func (p *Portal) upload(r *http.Request, req *request) (int, *dict) {
	start := p.clock.Now()
	who, err := p.authorize(r, req)
	if err != nil {
		return failed(err)
	}
	if !who.allows("telephony") {
		return failed(p.scopeError(who))
	}
	token, _ := req.params.get("token")
	ticket, err := p.readUpload(toStr(token), who.credential)
	if err != nil {
		return failed(err)
	}
	content, err := p.receive(r)
	if err != nil {
		return failed(err)
	}
	f, err := p.attachUpload(ticket, content, who.user)
	if err != nil {
		return failed(err)
	}
	return http.StatusOK, newDict("result", newDict("FILE_ID", f.ID), "time", p.timing(start, outcome{took: p.clock.Now().Sub(start)}))
}

// attachUpload spends the token of an upload that has arrived whole.
func (p *Portal) attachUpload(ticket url.Values, content blob, author int) (*file, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old, ok := p.state.finished(ticket.Get("callId"))
	switch {
	case !ok:
		p.blobs.remove(content.Name)
		return nil, errNotFinished
	case slices.Contains(old.Spent, ticket.Get("_")):
		p.blobs.remove(content.Name)
		return nil, errUploadToken
	}
	st := *old
	st.Spent = append(slices.Clone(old.Spent), ticket.Get("_"))
	defer func() { p.publish(author, "") }()
	return p.attach(&st, ticket.Get("fileName"), content, author)
}

// receive stores the field "file" of a multipart body. A body that breaks off
// leaves nothing behind.
func (p *Portal) receive(r *http.Request) (blob, error) {
	form, err := r.MultipartReader()
	if err != nil {
		return blob{}, core("File content is empty.")
	}
	for range maxVars {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return blob{}, core("File content is empty.")
		}
		if part.FormName() == uploadField {
			return p.receivePart(form, part)
		}
	}
	return blob{}, core("File content is empty.")
}

// receivePart stores one part and reads the body to its end: only a body that
// is whole counts.
func (p *Portal) receivePart(form *multipart.Reader, part *multipart.Part) (blob, error) {
	content, err := p.blobs.save(part)
	if errors.Is(err, errTooLarge) {
		return blob{}, &restError{http.StatusRequestEntityTooLarge, "ERROR_CORE", "File is too large"}
	}
	if err != nil {
		return blob{}, core("File content is empty.")
	}
	for err == nil {
		_, err = form.NextPart()
	}
	if !errors.Is(err, io.EOF) {
		p.blobs.remove(content.Name)
		return blob{}, core("File content is empty.")
	}
	return content, nil
}

// serveContent gives a stored file, also a part of it that a player asks for.
func (p *Portal) serveContent(w http.ResponseWriter, r *http.Request, f *file) {
	created, _ := time.Parse(storedMoment, f.Created)
	if f.Blob == "" {
		http.ServeContent(w, r, "", created, strings.NewReader(string(f.Data)))
		return
	}
	content, err := p.blobs.open(f.Blob)
	if err != nil {
		writeHTML(w, http.StatusNotFound)
		return
	}
	defer func() { _ = content.Close() }() // only read
	http.ServeContent(w, r, "", created, content)
}
