package bitrix24

import "sync/atomic"

// Stats counts what happened since the start of the process. It is a snapshot.
type Stats struct {
	// Requests are HTTP requests to the portal, repetitions included; Batches those that were a batch.
	Requests, Batches int64
	// Commands are method calls: Commands/Requests is how well gathering works.
	Commands int64
	// Limited counts refusals for the rate (503), Operating those for operating time (429), as the portal said them.
	Limited, Operating int64
	// Ambiguous counts lost or broken answers.
	Ambiguous int64
	// Refreshes counts requests for a new pair of tokens, Moves renames of the portal.
	Refreshes, Moves int64
	// Queued is how many commands wait in the loader now, Refused how many groups it turned away for being full.
	Queued, Refused int64
}

type counters struct {
	requests, batches, commands, limited, operating, ambiguous, refreshes, moves atomic.Int64
}

// Stats returns the counters of this client.
func (c *Client) Stats() Stats {
	return Stats{
		Requests: c.stats.requests.Load(), Batches: c.stats.batches.Load(), Commands: c.stats.commands.Load(),
		Limited: c.stats.limited.Load(), Operating: c.stats.operating.Load(), Ambiguous: c.stats.ambiguous.Load(),
		Refreshes: c.stats.refreshes.Load(), Moves: c.stats.moves.Load(),
	}
}
