package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"puente/lines"
	"puente/openlines"
	"puente/service"
	"puente/store"
)

func (a *app) linesCommand() *cobra.Command {
	root := &cobra.Command{Use: "lines", Short: "Set up open lines, see who waits and who would be asked"}
	var portal string
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON")
	root.PersistentFlags().StringVarP(&portal, "portal", "p", "", "the portal; may be left out if there is only one")
	with := func(do func(context.Context, *service.Service, string) error) func(*cobra.Command, []string) error {
		return func(c *cobra.Command, _ []string) error {
			return a.withService(c.Context(), func(s *service.Service) error {
				slug, err := onlyPortal(c.Context(), s.Store, portal)
				if err != nil {
					return err
				}
				return do(c.Context(), s, slug)
			})
		}
	}
	root.AddCommand(a.linesList(with), a.linesShow(with), a.linesValidate(with), a.linesSave(with), a.linesPreview(with), a.linesHours(with),
		a.linesSessions(with), a.linesSession(with), a.linesAct(with), a.linesOperators(with), a.linesOperator(with), a.linesStats(with))
	return root
}

// lineHint says where the names of lines come from.
const lineHint = "`puente lines list` shows them"

func (a *app) linesList(with onPortal) *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List the open lines", Args: cobra.NoArgs}
	c.RunE = with(func(ctx context.Context, s *service.Service, portal string) error {
		all, err := s.Store.Lines(ctx, portal)
		if err != nil {
			return err
		}
		if a.json {
			return printJSON(a.out, all)
		}
		rows := make([][]string, len(all))
		for i, l := range all {
			rows[i] = []string{
				string(l.ID), l.Settings.Name, onOff(l.Settings.Active), openNow(l.Settings), fmt.Sprint(l.Settings.Mode),
				fmt.Sprint(len(l.Settings.Members)), words(l.Settings.Channels), fmt.Sprint(l.Version), moment(l.UpdatedAt),
			}
		}
		return table(a.out, []string{"LINE", "NAME", "STATE", "NOW", "MODE", "MEMBERS", "CHANNELS", "VERSION", "CHANGED (UTC)"}, rows)
	})
	return c
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func openNow(doc openlines.Settings) string {
	schedule, err := openlines.NewSchedule(doc)
	if err == nil && schedule.Open(time.Now()) {
		return "open"
	}
	return "closed"
}

func words[T any](list []T) string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = fmt.Sprint(v)
	}
	return strings.Join(out, ",")
}

func (a *app) linesShow(with onPortal) *cobra.Command {
	c := &cobra.Command{Use: "show <line>", Short: "Print the settings of a line, ready to be changed and saved", Args: named("line", lineHint)}
	c.RunE = func(c *cobra.Command, args []string) error {
		return with(func(ctx context.Context, s *service.Service, portal string) error {
			line, err := s.Store.Line(ctx, portal, openlines.LineID(args[0]))
			if err != nil {
				return noLine(args[0], err)
			}
			if a.json {
				return printJSON(a.out, line)
			}
			return yaml.NewEncoder(a.out).Encode(line.Settings)
		})(c, args)
	}
	return c
}

func noLine(id string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("the portal has no line %s: %s", id, lineHint)
	}
	return err
}

// readLine reads the settings of a line, - is standard input.
func readLine(name string) (openlines.Settings, error) {
	if name == "" {
		return openlines.Settings{}, errors.New("give the settings of the line by --file (YAML or JSON); - is standard input")
	}
	read := func() ([]byte, error) { return os.ReadFile(name) } //nolint:gosec // the person at the terminal names the file
	if name == "-" {
		read = func() ([]byte, error) { return io.ReadAll(os.Stdin) }
	}
	data, err := read()
	if err != nil {
		return openlines.Settings{}, err
	}
	return openlines.Parse(data)
}

func (a *app) linesValidate(with onPortal) *cobra.Command {
	var file string
	c := &cobra.Command{Use: "validate <line>", Short: "Tell what is wrong with settings of a line", Args: named("line", "it may be a new one")}
	c.RunE = func(c *cobra.Command, args []string) error {
		doc, err := readLine(file)
		if err != nil {
			return err
		}
		return with(func(ctx context.Context, s *service.Service, portal string) error {
			problems, warnings, err := s.Lines.Check(ctx, portal, openlines.LineID(args[0]), doc)
			if err != nil {
				return err
			}
			return a.printProblems(problems, warnings)
		})(c, args)
	}
	c.Flags().StringVarP(&file, "file", "f", "", "the settings, YAML or JSON; - = standard input")
	return c
}

func (a *app) printProblems(problems []openlines.Problem, warnings []string) error {
	for _, w := range warnings {
		if _, err := fmt.Fprintln(a.errOut, "warning:", w); err != nil {
			return err
		}
	}
	if len(problems) > 0 {
		return openlines.Problems(problems)
	}
	_, err := fmt.Fprintln(a.out, "The settings are valid.")
	return err
}

func (a *app) linesSave(with onPortal) *cobra.Command {
	var file string
	var change lines.Change
	c := &cobra.Command{
		Use: "save <line>", Short: "Make or change a line and put it in force", Args: named("line", "choose it: small letters, digits, - and _"),
		Example: `  puente lines show support > support.yaml
  puente lines save support --file support.yaml --reason "longer hours"`,
	}
	c.RunE = func(c *cobra.Command, args []string) (err error) {
		if !lineName.MatchString(args[0]) {
			return fmt.Errorf("%q is no name of a line: small letters, digits, - and _, at most 63", args[0])
		}
		if change.Settings, err = readLine(file); err != nil {
			return err
		}
		return with(func(ctx context.Context, s *service.Service, portal string) error {
			change.Portal, change.Line = portal, openlines.LineID(args[0])
			return a.saveLine(ctx, s, change)
		})(c, args)
	}
	c.Flags().StringVarP(&file, "file", "f", "", "the settings, YAML or JSON; - = standard input")
	c.Flags().StringVarP(&change.Reason, "reason", "r", "", "why; kept with the version")
	c.Flags().StringVar(&change.Author, "actor", currentUser(), "who changes it; kept with the version")
	c.Flags().IntVar(&change.IfVersion, "if-version", 0, "refuse if there is a newer version; 0 = any")
	return c
}

func (a *app) saveLine(ctx context.Context, s *service.Service, change lines.Change) error {
	saved, err := s.Lines.Save(ctx, change)
	if err != nil {
		return a.lineFault(err)
	}
	for _, w := range saved.Warnings {
		if _, err := fmt.Fprintln(a.errOut, "warning:", w); err != nil {
			return err
		}
	}
	if a.json {
		return printJSON(a.out, saved.Line)
	}
	_, err = fmt.Fprintf(a.out, "Version %d of the line %s is in force.\n", saved.Version, saved.ID)
	return err
}

// lineFault names what is wrong, and says where Temporal was looked for.
func (a *app) lineFault(err error) error {
	var fault *lines.Error
	switch {
	case !errors.As(err, &fault):
		return err
	case len(fault.Problems) > 0:
		return openlines.Problems(fault.Problems)
	case fault.Kind == lines.Unreachable:
		return fmt.Errorf("%w: Temporal is looked for at %s (TEMPORAL_ADDRESS), and a worker must run", err, a.temporalAddress())
	}
	return err
}

func (a *app) linesPreview(with onPortal) *cobra.Command {
	c := &cobra.Command{Use: "preview <line>", Short: "Tell who would get a chat now, and why", Args: named("line", lineHint)}
	c.RunE = func(c *cobra.Command, args []string) error {
		return with(func(ctx context.Context, s *service.Service, portal string) error {
			line, err := s.Store.Line(ctx, portal, openlines.LineID(args[0]))
			if err != nil {
				return noLine(args[0], err)
			}
			decision, err := s.Lines.Preview(ctx, portal, line.ID)
			if err != nil {
				return a.lineFault(err)
			}
			if a.json {
				return printJSON(a.out, decision)
			}
			_, err = fmt.Fprintln(a.out, decision.Sentence(lines.ZoneOf(line.Settings)))
			return err
		})(c, args)
	}
	return c
}

func (a *app) linesHours(with onPortal) *cobra.Command {
	var date string
	var days int
	c := &cobra.Command{Use: "hours <line>", Short: "Show the opening hours on dates", Args: named("line", lineHint)}
	c.RunE = func(c *cobra.Command, args []string) error {
		return with(func(ctx context.Context, s *service.Service, portal string) error {
			line, err := s.Store.Line(ctx, portal, openlines.LineID(args[0]))
			if err != nil {
				return noLine(args[0], err)
			}
			first := time.Now().In(lines.ZoneOf(line.Settings))
			if date != "" {
				if first, err = time.Parse(time.DateOnly, date); err != nil {
					return fmt.Errorf("%q is no date; write it as 2026-12-24", date)
				}
			}
			hours, err := lines.HoursOf(line.Settings, first, min(max(days, 1), 366))
			if err != nil {
				return err
			}
			return a.printHours(hours)
		})(c, args)
	}
	c.Flags().StringVar(&date, "date", "", "the first date, like 2026-12-24; today without it")
	c.Flags().IntVar(&days, "days", 7, "how many dates")
	return c
}

func (a *app) printHours(h lines.Hours) error {
	if a.json {
		return printJSON(a.out, h)
	}
	rows := make([][]string, len(h.Days))
	for i, day := range h.Days {
		var open []string
		for _, o := range day.Open {
			open = append(open, o.From.Format("15:04")+"-"+o.To.Format("15:04"))
		}
		lasts := time.Duration(day.Seconds) * time.Second
		rows[i] = []string{day.Date, day.Weekday, day.Rule, lasts.String(), strings.Join(open, " "), clockNote(day)}
	}
	return table(a.out, []string{"DATE", "DAY", "RULE", "OPEN FOR", "OPEN (" + h.TimeZone + ")", "NOTE"}, rows)
}

// clockNote tells of days on which the clock changes.
func clockNote(day lines.Day) string {
	if day.Length == 24*60*60 {
		return ""
	}
	return fmt.Sprintf("the clock changes: this day has %s", time.Duration(day.Length)*time.Second)
}
