package openlines_test

import (
	"encoding/json"
	"reflect"
	"time"

	ol "puente/openlines"
)

// checkReplay is I14 and I15 on the whole log: a second desk, which is written
// and read again at other places, must tell exactly the same; and statistics
// are the same live and afterwards.
func (c *checker) checkReplay() {
	again := ol.NewDesk()
	var records []ol.Record
	for i, e := range c.log {
		if (i+len(c.log))%max(8, len(c.log)/8) == 0 {
			again = reborn(again)
		}
		records = append(records, again.Step(e.Now, e.Events...).Records...)
	}
	if !reflect.DeepEqual(records, c.records) {
		for i := range min(len(records), len(c.records)) {
			if !reflect.DeepEqual(records[i], c.records[i]) {
				c.failf("I14, I15: replayed record %+v was %+v", records[i], c.records[i])
			}
		}
		c.failf("I14, I15: %d records on replay, %d before", len(records), len(c.records))
	}
	before, _ := json.Marshal(c.desk)
	after, _ := json.Marshal(again)
	if string(before) != string(after) {
		c.failf("I14, I15: the replayed desk is\n%s\nnot\n%s", after, before)
	}
	c.checkStatistics()
}

func (c *checker) checkStatistics() {
	data, err := json.Marshal(c.records)
	if err != nil {
		panic(err)
	}
	var log []ol.Record
	if err := json.Unmarshal(data, &log); err != nil {
		panic(err)
	}
	var live []ol.SessionFacts
	for id := ol.SessionID(1); id <= c.desk.LastSession; id++ {
		live = append(live, *c.live[id])
	}
	now := c.log[len(c.log)-1].Now
	one, two := ol.MakeReport(live, ol.Filter{}, now), ol.MakeReport(ol.Facts(log), ol.Filter{}, now)
	if !reflect.DeepEqual(one, two) {
		c.failf("I14: live statistics %+v, recomputed %+v", one, two)
	}
	for id, s := range c.sessions {
		if first := c.live[id].First; first != nil && first.Span.Calendar != firstReply(s.log) {
			c.failf("first reply of session %d took %s, by its messages %s", id, first.Span.Calendar, firstReply(s.log))
		}
	}
}

// firstReply is the time from the first client message to the first reply.
func firstReply(log []ol.Record) time.Duration {
	var in time.Time
	for _, r := range log {
		if r.Kind == ol.MessageIn && in.IsZero() {
			in = r.At
		}
		if r.Kind == ol.MessageOut && !in.IsZero() {
			return max(r.At.Sub(in), 0) // the channel may say that it came later, receipt that it came before
		}
	}
	return -1
}
