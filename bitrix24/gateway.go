package bitrix24

import (
	"context"
	"encoding/json"
	"time"
)

// MaxBatch is the largest number of commands the portal takes in one batch request (bitrix24 reference §2.4).
const MaxBatch = 50

// batchMethod is the REST method that carries commands. It is also a key of its own in the operating budget (§2.2).
const batchMethod = "batch"

// Params are the parameters of one method: nested maps, slices and scalars, or anything encoding/json can write.
type Params = map[string]any

// Command is one method call inside a batch.
type Command struct {
	// Key names the command inside its group: letters, digits and _ - . : |. It is unique there even if "_", "-" and the
	// other signs count as the same, because only "_" goes over the wire.
	Key string
	// Method is the REST method, for example crm.item.add.
	Method string
	// Params may contain references to earlier commands of the same group: "$result[key][field]" (reference §2.4).
	// Text that people wrote must go through [Literal] first, or it could be read as such a reference.
	Params Params
}

// Priority orders groups that wait for the same portal. The zero value is [Live].
type Priority int

// People who wait come first, closed dialogs next, backfill and reconciliation last.
const (
	Live Priority = iota
	Interactive
	Background
)

// Group is a set of commands that travel together in one request, in the given order.
type Group struct {
	// Commands holds 1 to [MaxBatch] commands.
	Commands []Command
	// Halt stops the portal at the first command that fails. A chain in which a command uses the result of another
	// needs it: a reference to a failed command is otherwise sent on as literal text (reference §2.4).
	Halt bool
	// Priority matters to the [Loader] only.
	Priority Priority
}

// Answer is what one method returned.
type Answer struct {
	// Value is the member "result" as it came; never nil in an answer without error, but it may be JSON null.
	Value json.RawMessage
	// Total and Next are set by list methods only. Next is the offset of the next page and absent on the last one.
	Total, Next *int
	// Time is the portal's own account of the call; every part of it may be zero.
	Time Timing

	method string
}

// Timing is the member "time" of an answer. Portals leave parts of it out (bitrix24 reference §1.4).
type Timing struct {
	// Processing is the execution time in seconds.
	Processing float64
	// Operating is what the method used of its operating budget, in seconds over ten minutes (reference §2.2).
	Operating float64
	// OperatingResetAt is when the oldest part of that budget becomes free again; zero if the portal did not say.
	OperatingResetAt time.Time
}

// Result is the outcome of one command of a group.
type Result struct {
	Key string
	Answer
	// Err is nil or an [*Error]. It matches [ErrNotRun] (errors.Is) when an earlier command halted the group.
	Err error
}

// Gateway is the only way to a portal. All its errors are [*Error].
type Gateway interface {
	// Call runs one method as a request of its own, before everything that waits. For methods that cannot travel in a
	// batch, and for people who wait for the answer.
	Call(ctx context.Context, method string, p Params) (Answer, error)
	// Batch runs a group and returns one result per command, in the order of the commands. The error is set only if
	// the request as a whole failed; its kind then holds for every command, and Ambiguous means that any of them may
	// have run. A batch is never atomic: with a nil error each result must be looked at.
	Batch(ctx context.Context, g Group) ([]Result, error)
}
