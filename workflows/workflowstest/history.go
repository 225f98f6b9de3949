package workflowstest

import (
	"context"
	"fmt"
	"regexp"

	commonpb "go.temporal.io/api/common/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/api/temporalproto"
)

// maxSummary is how many bytes of a summary Temporal takes.
const maxSummary = 400

// personal is what phones and e-mail addresses look like. Names and texts have no
// look of their own.
var personal = regexp.MustCompile(`\+\d[\d ()-]{8,}\d|[\w.-]+@[\w-]+\.\w+`)

// identity is how a worker signs what it does: its process and machine.
var identity = regexp.MustCompile(`"identity": ?"[^"]*"`)

// Trouble tells what a history must not have: a summary that is too long, or a
// phone or an e-mail address anywhere.
func Trouble(history *historypb.History) (trouble []string, err error) {
	for _, event := range history.GetEvents() {
		if n := len(event.GetUserMetadata().GetSummary().GetData()); n > maxSummary {
			trouble = append(trouble, fmt.Sprintf("event %d: a summary of %d bytes", event.GetEventId(), n))
		}
		texts, err := textsOf(event)
		if err != nil {
			return nil, err
		}
		for _, text := range texts {
			for _, found := range personal.FindAll(text, -1) {
				trouble = append(trouble, fmt.Sprintf("event %d: %s", event.GetEventId(), found))
			}
		}
	}
	return trouble, nil
}

// textsOf are the event itself and everything encoded in it.
func textsOf(event *historypb.HistoryEvent) ([][]byte, error) {
	raw, err := temporalproto.CustomJSONMarshalOptions{}.Marshal(event)
	if err != nil {
		return nil, err
	}
	texts := [][]byte{identity.ReplaceAll(raw, nil)}
	note := func(_ *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
		for _, p := range payloads {
			texts = append(texts, p.GetData())
		}
		return payloads, nil
	}
	return texts, proxy.VisitPayloads(context.Background(), event, proxy.VisitPayloadsOptions{Visitor: note})
}
