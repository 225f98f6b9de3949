package bitrix24

import (
	"regexp"
	"strings"
	"time"
)

const (
	batchMethod = "batch"
	batchLimit  = 50
)

// command is one entry of a batch.
type command struct {
	key, method string
	params      *dict
}

// parseCommands reads cmd: a list or a map of "method?query" texts, in order.
func parseCommands(params *dict) []command {
	v, _ := params.fold("cmd")
	list, _ := v.(*dict)
	var out []command
	list.each(func(key string, v any) {
		name, query, _ := strings.Cut(toStr(v), "?")
		name = strings.ToLower(strings.Trim(name, "/ "))
		cmd := command{key: key, method: strings.TrimSuffix(name, ".json"), params: newDict()}
		parseQuery(cmd.params, query)
		out = append(out, cmd)
	})
	return out
}

// batch runs commands one after the other, never as a whole: what ran stays
// done (bitrix24 reference §2.4). Its answer is always a 200.
func (p *Portal) batch(c *call, commands []command, start time.Time) *dict {
	c.inBatch = true
	v, _ := c.param("halt")
	halt := truthy(v)
	results, errs, totals, nexts, times := newDict(), newDict(), newDict(), newDict(), newDict()
	for i, cmd := range commands {
		began := p.clock.Now()
		out := p.runCommand(c, cmd, i, results)
		if out.err != nil {
			_, body := failed(out.err)
			errs.set(cmd.key, body)
			if halt {
				break
			}
			continue
		}
		results.set(cmd.key, out.result)
		setInt(nexts, cmd.key, out.next)
		setInt(totals, cmd.key, out.total)
		times.set(cmd.key, p.timing(began, out))
	}
	result := newDict("result", results, "result_error", errs, "result_total", totals, "result_next", nexts, "result_time", times)
	whole := outcome{took: p.clock.Now().Sub(start)}
	whole.operating, whole.resetAt = p.charge(c, batchMethod, whole.took)
	return newDict("result", result, "time", p.timing(start, whole))
}

func (p *Portal) runCommand(c *call, cmd command, i int, done *dict) outcome {
	switch {
	case i >= batchLimit:
		return outcome{err: errBatchLength}
	case cmd.method == batchMethod:
		return outcome{err: errBatchMethod}
	}
	params, _ := resolve(cmd.params, done).(*dict)
	one := &call{p: p, ctx: c.ctx, params: params, who: c.who, base: c.base, inBatch: true}
	return p.run(one, cmd.method)
}

// reference matches $result[key][field]…
var reference = regexp.MustCompile(`\$result((?:\[[^\[\]]*\])+)`)

// resolve replaces references to earlier results in all values. A value that is
// nothing but a reference takes the result as it is; inside a text it is put in
// as text. A reference to what is not there stays as it is written.
func resolve(v any, done *dict) any {
	switch v := v.(type) {
	case *dict:
		out := newDict()
		v.each(func(k string, item any) { out.set(k, resolve(item, done)) })
		return out
	case string:
		return resolveText(v, done)
	default:
		return v
	}
}

func resolveText(s string, done *dict) any {
	if !strings.Contains(s, "$result[") {
		return s
	}
	if m := reference.FindStringSubmatch(s); m != nil && m[0] == s {
		if v, ok := lookup(done, m[1]); ok {
			return v
		}
		return s
	}
	return reference.ReplaceAllStringFunc(s, func(ref string) string {
		v, ok := lookup(done, strings.TrimPrefix(ref, "$result"))
		if _, isDict := v.(*dict); !ok || isDict || v == nil {
			return ref
		}
		return toStr(v)
	})
}

// lookup follows [key][field][0] into the results.
func lookup(done *dict, path string) (any, bool) {
	var v any = done
	for _, key := range strings.Split(strings.Trim(path, "[]"), "][") {
		d, ok := v.(*dict)
		if !ok {
			return nil, false
		}
		if v, ok = d.get(strings.Trim(key, `'"`)); !ok {
			return nil, false
		}
	}
	return v, true
}
