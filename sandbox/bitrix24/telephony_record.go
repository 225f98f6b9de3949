package bitrix24

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// recordKinds are the extensions that a record may have.
var recordKinds = []string{".wav", ".mp3"}

// fetchTimeout bounds the download of RECORD_URL: the real portal answers
// within a minute (bitrix24 reference §1.2).
const fetchTimeout = 60 * time.Second

var errNotFinished = core("Call is not found in the statistic table. It looks like it is not finished yet.")

// takeRecord brings the record of attachRecord onto the disk, before and
// outside the lock: a download may take long, and may even come from here.
func (c *call) takeRecord() error {
	address, name, err := c.recordName()
	if err != nil {
		return err
	}
	if err := c.mustBeFinished(); err != nil {
		return err
	}
	content, given := c.given("FILE_CONTENT")
	switch {
	case address != "":
		c.taken, err = c.p.download(c.ctx, address)
	case given:
		c.taken, err = c.p.decodeRecord(toStr(content))
	}
	c.recorded = name
	return err
}

// recordName reads where the record is and what it is called; the address wins
// over the content.
func (c *call) recordName() (address, name string, err error) {
	address, name = c.str("RECORD_URL"), path.Base("/"+c.str("FILENAME"))
	_, named := c.given("FILENAME")
	if address == "" && !named {
		return "", "", core("Required parameters are not set. Request should contain either URL or FILENAME parameter")
	}
	if u, err := url.Parse(address); address != "" && !named && err == nil {
		name = path.Base("/" + u.Path)
	}
	if name == "/" {
		return "", "", core("File name is empty")
	}
	if !slices.Contains(recordKinds, strings.ToLower(path.Ext(name))) {
		return "", "", core("Wrong file extension. Only wav and mp3 are allowed")
	}
	return address, name, nil
}

func (c *call) mustBeFinished() error {
	c.p.mu.RLock()
	defer c.p.mu.RUnlock()
	if _, ok := c.p.state.finished(c.str("CALL_ID")); !ok {
		return errNotFinished
	}
	return nil
}

func (p *Portal) decodeRecord(content string) (blob, error) {
	if content == "" {
		return blob{}, core("File content is empty.")
	}
	data, ok := decodeBase64(content)
	if !ok {
		return blob{}, core("File content is not properly encoded. Base64 encoding is expected.")
	}
	return p.blobs.save(bytes.NewReader(data))
}

// download takes the record from its address. Whatever goes wrong on the way is
// told as an HTTP status, 0 if there was none.
func (p *Portal) download(ctx context.Context, address string) (blob, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return blob{}, core("Server returns HTTP error code 0")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return blob{}, core("Server returns HTTP error code 0")
	}
	defer func() { _ = resp.Body.Close() }() // only read
	if resp.StatusCode != http.StatusOK {
		return blob{}, core("Server returns HTTP error code %d", resp.StatusCode)
	}
	stored, err := p.blobs.save(resp.Body)
	if err != nil {
		return blob{}, core("Server returns HTTP error code 0")
	}
	return stored, nil
}

// callAttachRecord attaches the record that takeRecord brought, in place of an
// earlier one. With only a name it gives an address to upload to.
func (c *call) callAttachRecord() (any, error) {
	st, ok := c.p.state.finished(c.str("CALL_ID"))
	if !ok {
		c.p.blobs.remove(c.taken.Name)
		return nil, errNotFinished
	}
	if c.taken.Name == "" {
		return newDict("uploadUrl", c.uploadURL(c.str("CALL_ID"), c.recorded), "fieldName", uploadField), nil
	}
	f, err := c.p.attach(st, c.recorded, c.taken, c.who.user)
	if err != nil {
		return nil, err
	}
	return newDict("FILE_ID", f.ID), nil
}

// attach makes a stored content the record of a call and of its activity;
// Portal.mu is held.
func (p *Portal) attach(old *statistic, name string, content blob, author int) (*file, error) {
	if content.Size == 0 {
		p.blobs.remove(content.Name)
		return nil, core("File content is empty.")
	}
	s := p.state
	f := &file{
		ID: s.files.newID(), Author: author, Name: name, Created: p.stamp(), Blob: content.Name, Size: content.Size, SHA256: content.SHA256,
	}
	s.files.put(f.ID, f)
	st := *old
	st.Record = &callRecord{File: f.ID, Times: 1}
	if old.Record != nil {
		st.Record.Times += old.Record.Times
		p.dropFile(old.Record.File)
	}
	s.statistics.put(st.ID, &st)
	if a, ok := s.activities.get(st.Activity); ok {
		next := *a
		next.Files = []int{f.ID}
		s.activities.put(next.ID, &next)
	}
	return f, nil
}

func (p *Portal) dropFile(id int) {
	if f, ok := p.state.files.get(id); ok {
		p.state.files.del(id)
		p.blobs.remove(f.Blob)
	}
}

// callTranscribe adds what was said to a finished call. Nothing in the docs
// says that a repeat replaces, so each one adds a transcript.
func (c *call) callTranscribe() (any, error) {
	callID := c.str("CALL_ID")
	if callID == "" {
		return nil, core("CALL_ID should be set")
	}
	lines, err := c.readTranscript()
	if err != nil {
		return nil, err
	}
	found, ok := c.p.state.finished(callID)
	if !ok {
		return nil, core("Call %s is not found. Is it finished?", callID)
	}
	cost, _ := c.param("COST")
	t := &transcript{ID: c.p.state.transcripts.newID(), Statistic: found.ID, Lines: lines, Currency: c.str("COST_CURRENCY")}
	t.Cost, _ = toFloat(cost)
	c.p.state.transcripts.put(t.ID, t)
	st := *found
	st.Transcript = t.ID
	c.p.state.statistics.put(st.ID, &st)
	return newDict("TRANSCRIPT_ID", t.ID), nil
}

func (c *call) readTranscript() ([]transcriptLine, error) {
	list := c.array("MESSAGES")
	if list == nil {
		return nil, core("MESSAGES should be an array")
	}
	lines := make([]transcriptLine, 0, list.len())
	for i, item := range list.values() {
		line, err := readTranscriptLine(i, asDict(item))
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func readTranscriptLine(i int, d *dict) (transcriptLine, error) {
	get := func(name string) any { v, _ := d.get(name); return v }
	start, startOK := toInt(get("START_TIME"))
	line := transcriptLine{toStr(get("SIDE")), toStr(get("MESSAGE")), start, toID(get("STOP_TIME"))}
	wrong := func(name, text string) (transcriptLine, error) {
		return line, core("%s", fmt.Sprintf("MESSAGES[%d][%s] %s", i, name, text))
	}
	switch {
	case line.Side != "User" && line.Side != "Client":
		return wrong("SIDE", "should be either Client or User")
	case !startOK || line.Start < 0:
		return wrong("START_TIME", "should be greater or equal to zero")
	case line.Stop <= 0:
		return wrong("STOP_TIME", "should be greater than zero")
	case line.Text == "":
		return wrong("MESSAGE", "is empty")
	}
	return line, nil
}
