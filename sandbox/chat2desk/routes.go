package chat2desk

import (
	"net/http"
	"strings"
)

// routes is the whole surface: reference §3.1 to §3.8, controls and page.
func (c *Company) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, table := range []map[string]handler{
		messageRoutes, clientRoutes, dialogRoutes, operatorRoutes, tagRoutes, companyRoutes, helpRoutes, ticketRoutes, webhookRoutes,
	} {
		for route, h := range table {
			method, path, _ := strings.Cut(route, " ")
			mux.HandleFunc(method+" /v1"+path, c.api(method+" /v1"+path, h))
		}
	}
	mux.HandleFunc("/v1/", c.noPage)
	c.controls(mux)
	c.pages(mux)
	return mux
}

var messageRoutes = map[string]handler{
	"GET /messages":                        (*Company).listMessages,
	"GET /messages/{id}":                   (*Company).getMessage,
	"POST /messages":                       (*Company).sendMessage,
	"POST /messages/inbox":                 (*Company).receiveMessage,
	"GET /messages/{id}/read":              (*Company).readMessage,
	"GET /messages/{id}/unread":            (*Company).unreadMessage,
	"GET /messages/{id}/transfer":          (*Company).transfer,
	"POST /messages/{id}/assign":           (*Company).transfer,
	"GET /messages/{id}/transfer_to_group": (*Company).transferToGroup,
}

var clientRoutes = map[string]handler{
	"GET /clients":                    (*Company).listClients,
	"POST /clients":                   (*Company).createClient,
	"GET /clients/{id}":               (*Company).getClient,
	"PUT /clients/{id}":               (*Company).updateClient,
	"GET /clients/{id}/transport":     (*Company).clientTransports,
	"GET /clients/{id}/last_question": (*Company).lastQuestion,
	"GET /clients/{id}/dialogs":       (*Company).clientDialogs,
	"GET /clients/{id}/questions":     (*Company).clientQuestions,
}

var dialogRoutes = map[string]handler{
	"GET /dialogs":                (*Company).listDialogs,
	"GET /dialogs/unanswered":     (*Company).unansweredDialogs,
	"GET /dialogs/{id}":           (*Company).getDialog,
	"PUT /dialogs/{id}":           (*Company).updateDialog,
	"GET /requests/{id}":          (*Company).getRequest,
	"GET /requests/{id}/messages": (*Company).requestMessages,
	"PUT /requests/close":         (*Company).closeRequestCall,
}

var operatorRoutes = map[string]handler{
	"GET /operators":               (*Company).listOperators,
	"POST /operators":              (*Company).createOperator,
	"GET /operators/{id}":          (*Company).getOperator,
	"PUT /operators/{id}":          (*Company).updateOperator,
	"GET /operators/statuses":      (*Company).operatorStatuses,
	"PUT /operators/statuses/{id}": (*Company).updateOperator,
	"GET /operators_groups":        (*Company).listGroups,
	"GET /access_rights":           (*Company).listAccessRights,
	"GET /access_rights/{id}":      (*Company).getAccessRight,
}

var tagRoutes = map[string]handler{
	"GET /tags":                     (*Company).listTags,
	"POST /tags":                    (*Company).createTag,
	"GET /tags/{id}":                (*Company).getTag,
	"POST /tag_groups":              (*Company).createTagGroup,
	"POST /tags/assign_to":          (*Company).assignTags,
	"DELETE /tags/{id}/delete_from": (*Company).removeTag,
}

var companyRoutes = map[string]handler{
	"GET /channels":                       (*Company).listChannels,
	"GET /channels/{id}":                  (*Company).getChannel,
	"GET /custom_client_fields":           (*Company).customClientFields,
	"GET /companies/api_info":             (*Company).apiInfo,
	"GET /companies/info":                 (*Company).companyInfo,
	"PUT /companies":                      (*Company).updateCompany,
	"PUT /companies/switch_mode":          (*Company).switchMode,
	"POST /companies/web_hook":            (*Company).legacyHook,
	"POST /companies/chat_close_web_hook": (*Company).legacyCloseHook,
	"GET /web_analytics_data":             (*Company).webAnalytics,
	"GET /statistics":                     (*Company).statistics,
}

var helpRoutes = map[string]handler{
	"GET /help/transports":           (*Company).helpTransports,
	"GET /help/api_modes":            (*Company).helpModes,
	"GET /help/roles":                (*Company).helpRoles,
	"GET /help/dialog_states":        (*Company).helpDialogStates,
	"GET /help/message_types":        (*Company).helpMessageTypes,
	"GET /help/tickets":              (*Company).helpTickets,
	"GET /countries":                 (*Company).countries,
	"GET /regions":                   (*Company).regions,
	"GET /templates":                 (*Company).listTemplates,
	"GET /templates/{id}":            (*Company).getTemplate,
	"GET /scenarios/menu_items":      (*Company).menuItems,
	"POST /scenarios/send_menu_item": (*Company).sendMenuItem,
	"POST /qr-decode":                (*Company).decodeQR,
}

var ticketRoutes = map[string]handler{
	"GET /tickets":         (*Company).listTickets,
	"POST /tickets":        (*Company).createTicket,
	"GET /tickets/{id}":    (*Company).getTicket,
	"PUT /tickets/{id}":    (*Company).updateTicket,
	"DELETE /tickets/{id}": (*Company).deleteTicket,
}

var webhookRoutes = map[string]handler{
	"GET /webhooks":         (*Company).listWebhooks,
	"POST /webhooks":        (*Company).createWebhook,
	"GET /webhooks/{id}":    (*Company).getWebhook,
	"PUT /webhooks/{id}":    (*Company).updateWebhook,
	"DELETE /webhooks/{id}": (*Company).deleteWebhook,
}
