package bitrix24

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMethodsOfApplicationsAreKnownInAnyCase(t *testing.T) {
	t.Parallel()
	for _, method := range []string{
		"telephony.externalCall.register", "telephony.externalcall.FINISH", "telephony.externalLine.get", "telephony.externalLine.add",
		"crm.activity.configurable.add", "crm.activity.configurable.update", "imconnector.send.messages", "imconnector.register",
		"event.bind", "event.get", "event.offline.get", "app.info", "placement.bind",
	} {
		require.True(t, NeedsApplication(method), method)
	}
}

func TestOtherMethodsGoByWebhook(t *testing.T) {
	t.Parallel()
	for _, method := range []string{
		"", "telephony.externalCall.attachRecord", "telephony.externalCall.show", "telephony.externalCall.searchCrmEntities",
		"telephony.call.attachTranscription", "crm.activity.add", "crm.activity.binding.add", "crm.item.add", "imopenlines.dialog.get",
		"im.notify.personal.add", "event", "eventful.bind", "user.get", "batch", "imconnector", "voximplant.statistic.get",
	} {
		require.False(t, NeedsApplication(method), method)
	}
}
