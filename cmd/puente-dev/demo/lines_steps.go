package demo

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"puente/internal/wait"
)

// linePoll is how often a step looks whether what it waits for has happened.
const linePoll = 100 * time.Millisecond

// stuckError is something that did not happen in time.
type stuckError struct{ what string }

func (e *stuckError) Error() string { return "this did not happen in time: " + e.what }

// writes lets the client write.
func (l *lineDay) writes(words string) step {
	return func(ctx context.Context, row *LineRow) error {
		return l.send(ctx, row, line{From: "client", Text: words})
	}
}

// answers lets the operator who got the last offer write to the client.
func (l *lineDay) answers(words string) step {
	return func(ctx context.Context, row *LineRow) error {
		return l.send(ctx, row, line{From: "operator", Text: words, OperatorID: operatorOf[row.lastOffer().User]})
	}
}

func (l *lineDay) send(ctx context.Context, row *LineRow, message line) error {
	who := client{ID: row.ClientID}
	if who.ID == 0 {
		who = client{Name: row.Chat.Name, Phone: row.Chat.Phone}
	}
	script := script{Client: who, ChannelID: row.Chat.Channel, Messages: []line{message}}
	before := row.ids
	if err := l.chat.do(ctx, http.MethodPost, "/sandbox/dialogs", script, &row.ids); err != nil {
		return err
	}
	if before.RequestID != 0 { // a rating after the close opens another request
		row.RequestID = before.RequestID
	}
	return nil
}

// does lets somebody act by the API: who got the last offer.
func (l *lineDay) does(action string, more object) step {
	return func(ctx context.Context, row *LineRow) error {
		body := object{"by": row.lastOffer().User}
		if action == "decline" {
			body["offer"] = row.lastOffer().ID
		}
		for key, value := range more {
			body[key] = value
		}
		return l.ledger.do(ctx, http.MethodPost, fmt.Sprintf("/sessions/%d/%s", row.Session.ID, action), body, nil)
	}
}

// offered waits for the offer with that number, counted from 1.
func (l *lineDay) offered(n int) step {
	return l.until(fmt.Sprintf("offer %d of it", n), func(row *LineRow) bool { return len(row.Session.offers()) >= n })
}

// isIn waits for a state of the session.
func (l *lineDay) isIn(state string) step {
	return l.until("it is "+state, func(row *LineRow) bool { return row.Session.State == state })
}

// unread waits until so many messages have no answer.
func (l *lineDay) unread(n int) step {
	return l.until(fmt.Sprintf("%d of its messages wait", n), func(row *LineRow) bool { return row.Session.Unread == n })
}

// ownedBy waits for an owner.
func (l *lineDay) ownedBy(user int64) step {
	return l.until(fmt.Sprintf("user %d owns it", user), func(row *LineRow) bool { return row.Session.Owner == user })
}

// shown waits until the CRM shows it.
func (l *lineDay) shown() step {
	return l.until("the CRM shows it", func(row *LineRow) bool { return row.Session.Item != nil })
}

// until waits for something that the session shows.
func (l *lineDay) until(what string, happened func(*LineRow) bool) step {
	return l.wait(what, func(ctx context.Context, row *LineRow) (bool, error) {
		err := l.readSession(ctx, row)
		return err == nil && happened(row), err
	})
}

// got waits until the client has received an automatic text.
func (l *lineDay) got(name string) step {
	return l.wait("the client gets the text "+name, func(ctx context.Context, row *LineRow) (bool, error) {
		err := l.readTexts(ctx, row)
		return err == nil && slices.Contains(row.Texts, name), err
	})
}

func (l *lineDay) wait(what string, look func(context.Context, *LineRow) (bool, error)) step {
	return func(ctx context.Context, row *LineRow) error {
		for until := time.Now().Add(l.Deadline); ; {
			happened, err := look(ctx, row)
			switch {
			case err != nil || happened:
				return err
			case time.Now().After(until):
				return &stuckError{what}
			}
			if err := wait.For(ctx, linePoll); err != nil {
				return err
			}
		}
	}
}

// readSession reads the session of a chat as it is now; before it has one, nothing.
func (l *lineDay) readSession(ctx context.Context, row *LineRow) error {
	if row.Session.ID == 0 {
		found, err := l.findSession(ctx, row)
		if err != nil || !found {
			return err
		}
	}
	session := LineSession{}
	err := l.ledger.do(ctx, http.MethodGet, fmt.Sprintf("/sessions/%d", row.Session.ID), nil, &session)
	row.Session = session
	return err
}

// findSession finds the session of a chat among those that are not closed.
func (l *lineDay) findSession(ctx context.Context, row *LineRow) (bool, error) {
	query := url.Values{"line": {row.Chat.Line}, "limit": {"200"}}
	for {
		var page struct {
			Items      []LineSession `json:"items"`
			NextCursor string        `json:"next_cursor"`
		}
		if err := l.ledger.do(ctx, http.MethodGet, "/attention?"+query.Encode(), nil, &page); err != nil {
			return false, err
		}
		for _, one := range page.Items {
			if one.Chat == fmt.Sprintf("%d-%d", row.ClientID, row.Chat.Channel) {
				row.Session.ID = one.ID
				return true, nil
			}
		}
		if page.NextCursor == "" {
			return false, nil
		}
		query.Set("cursor", page.NextCursor)
	}
}

// readTexts reads which automatic texts the client got. Their external ids name session and text.
func (l *lineDay) readTexts(ctx context.Context, row *LineRow) error {
	var received struct {
		Messages []struct {
			ExternalID string `json:"external_id"`
		} `json:"messages"`
	}
	if err := l.chat.do(ctx, http.MethodGet, fmt.Sprintf("/sandbox/messages?client_id=%d", row.ClientID), nil, &received); err != nil {
		return err
	}
	row.Texts = nil
	for _, m := range received.Messages {
		key, ours := strings.CutPrefix(m.ExternalID, "puente:line:"+l.Portal+":")
		if parts := strings.Split(key, "-"); ours && len(parts) > 1 {
			row.Texts = append(row.Texts, parts[1])
		}
	}
	return nil
}
