package worker

import (
	"puente/activities"
	"puente/lines"
)

// staff keeps the desks of open lines in step with the people of their portals.
func (w *Worker) staff() *lines.Staff {
	employees := &activities.Lines{Store: w.opts.Store, Portals: w.opts.Portals, Temporal: w.opts.Temporal, Minute: w.opts.LineMinute}
	return &lines.Staff{
		Lines: &lines.Service{Store: w.opts.Store, Temporal: w.opts.Temporal, Loader: employees, Log: w.opts.Logger},
		Store: w.opts.Store, Employees: employees, Minute: w.opts.LineMinute, Log: w.opts.Logger,
	}
}
