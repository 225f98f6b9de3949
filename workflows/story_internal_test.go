package workflows

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParkedStoryNamesTheCodeOnce(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]Failure{
		"the system names it in its words": {Step: "entity", Code: "ACCESS_DENIED", Text: "crm.item.add: ACCESS_DENIED: Access denied."},
		"only we know it":                  {Step: "fields", Code: "FIELD_MAPPING", Text: "custom 6 cannot go to UF_CRM_CITY"},
		"without a code":                   {Text: "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s story
			s.failed(f)
			text := s.markdown(Failed)
			require.Contains(t, text, f.Text)
			if f.Code != "" {
				require.Equal(t, 1, strings.Count(text, f.Code))
			}
		})
	}
}
