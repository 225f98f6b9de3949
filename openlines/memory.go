package openlines

import (
	"slices"
	"time"
)

// How long the desk remembers what is over. A caller keeps Past for longer.
const (
	purgeEvery  = 10 * time.Minute
	chatMemory  = time.Hour           // after the last session, and the vote on it, are over
	leadMemory  = 24 * time.Hour      // by then any lookup finds the lead
	crmPatience = 30 * 24 * time.Hour // for a CRM that does not answer
)

// forget drops sessions that are over and, now and then, old memories.
func (st *step) forget() {
	d := st.desk
	kept := d.Sessions[:0]
	for _, s := range d.Sessions {
		if s.State != Closed || st.crmPending(s) {
			kept = append(kept, s)
		}
	}
	clear(d.Sessions[len(kept):])
	d.Sessions = kept
	if !st.now.Before(d.Purged.Add(purgeEvery)) {
		st.purge()
	}
}

// purge drops chats and leads that nothing needs any more.
func (st *step) purge() {
	d := st.desk
	d.Purged = st.now
	for id, chat := range d.Chats {
		if st.forgettable(chat) {
			delete(d.Chats, id)
		}
	}
	for id, lead := range d.Leads {
		old := leadMemory
		if lead.Item.ID == 0 {
			old = crmPatience // it may still be made
		}
		if st.now.Sub(lead.Ordered) > old && !st.refersTo(id, lead) {
			delete(d.Leads, id)
		}
	}
}

// crmPending: a session that closed while the CRM was down stays until its
// client was looked up and its lead made, so that it is shown there.
func (st *step) crmPending(s *Session) bool {
	if s.Reason == BySpam || s.CRM.Item.ID != 0 || st.now.Sub(s.Finished) > crmPatience {
		return false
	}
	switch s.CRM.Lookup {
	case LookupPending, LookupUnknown:
		return true
	case LookupNotFound:
		lead := st.desk.Leads[s.CRM.Identity]
		return lead != nil && lead.Item.ID == 0
	}
	return false
}

func (st *step) forgettable(chat *Chat) bool {
	if chat.Open != 0 || chat.Blocked || st.now.Sub(chat.Past.Closed) < chatMemory {
		return false
	}
	return chat.Poll == nil || !st.now.Before(chat.Poll.Until.Add(chatMemory))
}

// refersTo says whether a session is shown on a lead, or waits for it.
func (st *step) refersTo(identity string, lead *Lead) bool {
	return slices.ContainsFunc(st.desk.Sessions, func(s *Session) bool {
		return s.CRM.Item == lead.Item && (lead.Item.ID != 0 || s.CRM.Identity == identity)
	})
}
