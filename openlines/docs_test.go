package openlines_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/openlines"
)

// TestTheExamplesOfTheDocumentationAreTrue reads every YAML example of
// docs/open-lines.md as a line, looks that no setting is left out or lacks an
// example, and that the output shown there is what the testable examples print.
func TestTheExamplesOfTheDocumentationAreTrue(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../docs/open-lines.md")
	require.NoError(t, err)
	examples, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	output := strings.ReplaceAll(string(examples), "\t// ", "")

	all := ""
	for _, block := range regexp.MustCompile("(?s)```yaml\n(name: .*?)```").FindAllStringSubmatch(string(data), -1) {
		s, err := openlines.Parse([]byte(block[1]))
		require.NoError(t, err, block[1])
		require.Empty(t, openlines.Validate(s, today), block[1])
		all += "\n" + block[1]
	}
	tables, _, _ := strings.Cut(string(data), "\n## Opening hours")
	for _, row := range regexp.MustCompile("(?m)^\\| (`[a-z_]+`(?:, `[a-z_]+`)?) \\|").FindAllStringSubmatch(tables, -1) {
		for setting := range strings.SplitSeq(row[1], ", ") {
			require.Contains(t, all, "\n"+strings.Trim(setting, "`")+":")
		}
	}
	for i := range reflect.TypeFor[openlines.Settings]().NumField() {
		name, _, _ := strings.Cut(reflect.TypeFor[openlines.Settings]().Field(i).Tag.Get("json"), ",")
		require.Contains(t, tables, "`"+name+"`")
	}
	for _, shown := range []string{"timezone: unknown time zone", "Fri 20 Nov 10:00"} {
		block := regexp.MustCompile("(?s)```text\n(" + shown + ".*?)```").FindSubmatch(data)
		require.NotNil(t, block)
		require.Contains(t, output, string(block[1]))
	}
}
