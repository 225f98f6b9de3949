package dialog_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"puente/dialog"
	"puente/settings"
)

func TestGate(t *testing.T) {
	t.Parallel()
	only := settings.Tags{Mode: settings.TagsOnly, IDs: []int64{3, 1}}
	not := settings.Tags{Mode: settings.TagsNot, IDs: []int64{2}}
	tests := map[string]struct {
		tags            settings.Tags
		request, client []int64
		pass            bool
		reason          string
	}{
		"ignored":            {settings.Tags{Mode: settings.TagsIgnore, IDs: []int64{1}}, []int64{1}, nil, true, "Sent: tags are ignored."},
		"no mode":            {settings.Tags{}, []int64{1}, nil, true, "Sent: tags are ignored."},
		"only, on request":   {only, []int64{9, 3}, nil, true, "Sent: tagged 3, and dialogs tagged so go to the CRM."},
		"only, on client":    {only, nil, []int64{1}, true, "Sent: tagged 1, and dialogs tagged so go to the CRM."},
		"only, on both":      {only, []int64{3, 1}, []int64{1}, true, "Sent: tagged 1, 3, and dialogs tagged so go to the CRM."},
		"only, other tag":    {only, []int64{9}, nil, false, "Not sent: only dialogs tagged 3, 1 go to the CRM, and this one has none of them."},
		"only, untagged":     {only, nil, nil, false, "Not sent: only dialogs tagged 3, 1 go to the CRM, and this one has none of them."},
		"only, none chosen":  {settings.Tags{Mode: settings.TagsOnly}, []int64{1}, nil, false, "Not sent: only dialogs tagged with a chosen tag (none is chosen) go to the CRM, and this one has none of them."},
		"not, on request":    {not, []int64{2}, nil, false, "Not sent: tagged 2, and dialogs tagged so do not go to the CRM."},
		"not, on client":     {not, []int64{1}, []int64{2}, false, "Not sent: tagged 2, and dialogs tagged so do not go to the CRM."},
		"not, other tag":     {not, []int64{1}, []int64{3}, true, "Sent: none of the tags that hold a dialog back (2) is set."},
		"not, untagged":      {not, nil, nil, true, "Sent: none of the tags that hold a dialog back (2) is set."},
		"not, tag 0 ignored": {not, []int64{0}, nil, true, "Sent: none of the tags that hold a dialog back (2) is set."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, dialog.Verdict{Pass: tt.pass, Reason: tt.reason}, dialog.Gate(tt.tags, tt.request, tt.client))
		})
	}
}

func TestOnlyAndNotAreOpposites(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfN(rapid.Int64Range(1, 6), 0, 4)
		chosen, request, client := ids.Draw(t, "chosen"), ids.Draw(t, "request"), ids.Draw(t, "client")
		only := dialog.Gate(settings.Tags{Mode: settings.TagsOnly, IDs: chosen}, request, client)
		not := dialog.Gate(settings.Tags{Mode: settings.TagsNot, IDs: chosen}, request, client)
		require.NotEqual(t, only.Pass, not.Pass)
		require.Equal(t, only, dialog.Gate(settings.Tags{Mode: settings.TagsOnly, IDs: chosen}, append(request, client...), nil),
			"it does not matter where a tag is set")
	})
}
