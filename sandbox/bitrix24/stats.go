package bitrix24

import (
	"maps"
	"sync"
)

// Stats is what GET /sandbox/stats answers.
type Stats struct {
	// Requests are HTTP requests to the REST address, refused ones included; a batch is one.
	Requests int `json:"requests"`
	// Commands are method calls: one per plain request, and each command of a batch.
	Commands int `json:"commands"`
	// Refused are requests and commands stopped by the request or operating limit.
	Refused int `json:"refused"`
	// ByMethod counts commands by lower-case name, the batch requests as "batch",
	// and requests to the token endpoint, which are neither, as "oauth.token".
	ByMethod map[string]int `json:"by_method"`
	// PeakPerSecond is the largest number of requests in one second of the clock.
	PeakPerSecond int `json:"peak_per_second"`
}

type stats struct {
	mu     sync.Mutex
	clock  Clock
	sum    Stats
	second int64
	count  int // requests in that second
}

func newStats(clock Clock) *stats {
	return &stats{clock: clock, sum: Stats{ByMethod: map[string]int{}}}
}

func (s *stats) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum = Stats{ByMethod: map[string]int{}}
	s.second, s.count = 0, 0
}

func (s *stats) request() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.clock.Now().Unix(); now != s.second {
		s.second, s.count = now, 0
	}
	s.count++
	s.sum.Requests++
	s.sum.PeakPerSecond = max(s.sum.PeakPerSecond, s.count)
}

func (s *stats) refuse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum.Refused++
}

func (s *stats) command(method string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum.ByMethod[method]++
	if method != batchMethod {
		s.sum.Commands++
	}
}

func (s *stats) token() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum.ByMethod[oauthMethod]++
}

// Stats are the counters since the start or the last reset.
func (p *Portal) Stats() Stats {
	p.stats.mu.Lock()
	defer p.stats.mu.Unlock()
	sum := p.stats.sum
	sum.ByMethod = maps.Clone(sum.ByMethod)
	return sum
}
