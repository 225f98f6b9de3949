// Package bitrix24 is a double of a Bitrix24 portal: an http.Handler that
// answers the REST API v2 the way the cloud does, over one store in memory or
// in a file. It exists to be held against: where it is not sure, it refuses
// rather than lets pass. It imports nothing of the product.
//
// # What it serves
//
//   - /rest/{user}/{secret}/{method}[.json][/] (inbound webhook) and
//     /rest/{method} with auth (OAuth), with form, bracketed query, multipart
//     and JSON parameters (bitrix24 reference §1, §2);
//   - /oauth/authorize/ and /oauth/token/ (bitrix24 reference §1.3);
//   - the methods that the method "methods" lists;
//   - POST /rest/upload.json and /rest/{user}/{secret}/upload.json: the record of a call, sent as multipart field "file"
//     to the address that telephony.externalCall.attachRecord gives; up to 2 GB, streamed to disk (bitrix24 reference §5.3);
//   - events: what event.bind subscribed to, and outgoing webhooks, are posted to their handlers in the background, without
//     order and never again if it fails (bitrix24 reference §8.2). All writes of leads, deals, contacts, companies and
//     activities are told, also those that came by REST; see GET /sandbox/events;
//   - /disk/downloadFile/{id}/ and /disk/showFile/{id}/: uploaded files, also in parts (Range); showFile plays wav and mp3;
//   - /, /crm/{lead,deal,contact,company}/details/{id}/ and /calls/: pages to look at, calls with their player.
//
// Records of calls lie beside Options.Path in a directory with the suffix
// ".files", or in a temporary directory that Close removes. A reset deletes them.
//
// # Controls
//
// All take and give JSON; an unknown field or a wrong value is a 400 that says
// what is wrong. None of them counts as a request or needs authorization.
//
//	GET    /sandbox/stats          requests, commands, refused, by_method, peak_per_second (see Stats)
//	GET    /sandbox/faults         the fault rules with their hits
//	POST   /sandbox/faults         add a rule (see Fault): {"method":"crm.item.add","kind":"lost_answer"};
//	                               the method of an upload, also in by_method of the statistics, is "upload"
//	DELETE /sandbox/faults         drop all rules
//	GET    /sandbox/limits         the limits (see Limits)
//	PUT    /sandbox/limits         change those named, empty all buckets and budgets
//	POST   /sandbox/reset          back to the seeds: data, tokens, mode, limits, faults, counters
//	GET    /sandbox/mode           {"mode":"simple|classic","conversion_lag_ms":0}
//	PUT    /sandbox/mode           change either
//	PUT    /sandbox/move           {"base":"https://new.example.com"}: answer REST with a 302 there; "" ends it
//	POST   /sandbox/webhooks       {"user":7,"secret":"…","scopes":["crm"]}: one more inbound webhook; no scopes = all
//	POST   /sandbox/apps           {"client_id","client_secret","redirect_uri","scopes"}: add or replace an OAuth application
//	POST   /sandbox/tokens         {"client_id","user_id"}: issue a pair of tokens without the browser step
//	POST   /sandbox/tokens/expire  {"access_token","refresh":true}: end one access token or all, with refresh also the refresh tokens
//	POST   /sandbox/tokens/revoke  {"refresh_token"}: make one refresh token invalid, or all; access tokens live on
//	POST   /sandbox/install        {"handler_url","client_id","user_id","form":"event|page"}: install an application and hand it tokens
//	POST   /sandbox/uninstall      {"handler_url","client_id","clean"}: remove it, with ONAPPUNINSTALL
//	GET    /sandbox/events         who has subscribed, and how deliveries went (see EventState)
//	PUT    /sandbox/events         {"delay_ms","jitter_ms","lose","repeat"}: make the delivery of events worse (see Knobs)
//	POST   /sandbox/outgoing       {"handler_url","events":["ONCRMDEALUPDATE"]}: make an outgoing webhook; answers id and application_token
//	DELETE /sandbox/outgoing/{id}  delete it
//	PUT    /sandbox/activities/{id}       {"user_id","completed":true}: a person completes or reopens any activity
//	DELETE /sandbox/activities/{id}       ?user_id=: a person deletes it
//	PUT    /sandbox/entities/{kind}/{id}  {"user_id","responsible_id":8}: a person gives an entity to a colleague
//	PUT    /sandbox/workday        {"user_id","status":"opened|paused|closed|expired"}: what timeman.status says
//	GET    /sandbox/entities       how many of each kind exist
//	GET    /sandbox/notifications  notifications (see Notification), ?user_id= for one user
//	GET    /sandbox/calls          calls with activity, bindings and record (see PhoneCall)
//
// # Where it knowingly differs
//
//   - It speaks plain HTTP unless Options.RequireHTTPS, JSON only (no XML), and files need no session.
//   - REST 3.0 is absent, as are smart processes, quotes and invoices; entityTypeId 7 and 31 answer
//     ENTITY_TYPE_NOT_SUPPORTED. Requisites have no user fields, bank details or links, and their templates cannot be
//     changed. Addresses belong to requisites and leads only, as on new portals.
//   - Offline events are kept by event.bind, but there is no queue of them. Of the names that event.bind takes only those of
//     leads, deals, contacts, companies and activities, ONAPPTEST and those of an installation are ever sent. A slow handler
//     is called no less often; a queue of more than 4096 events loses what comes. Deleting an entity is no change of those
//     that were linked to it, nor is a comment one of its entity.
//   - A webhook secret that looks like one but is wrong is INVALID_CREDENTIALS, any other is NO_AUTH_FOUND: the docs
//     describe the second, the vendor's SDK meets the first (see Variants for more of the kind).
//   - crm.item.list does not filter by phone, email or fm: the docs do not promise it.
//   - A spent refresh token is refused at once: the docs know no grace. Rules of faults reach the token endpoint by the
//     name oauth.token, not by "*": it is another server.
//   - timeman.status shows others' days to administrators only; a user who never opened a day has it closed.
//   - Telephony is for external calls only: of voximplant.* there is statistic.get. What the docs leave open is settled so: a
//     finish belongs to the application of the register; another CRM_ENTITY_TYPE than CONTACT, COMPANY, LEAD and an unknown
//     STATUS_CODE are refused, a CRM entity that is not there is replaced by the one with the phone; the phone has 3 digits or
//     more; a call of nobody gets no activity; a missed incoming call leaves its activity open; CRM_CREATE makes a lead, in
//     simple mode a contact with a deal; RECORD_URL of finish is kept but not fetched; an upload address works once, as
//     long as the credential it was asked for with, and a wrong or used token is ERROR_CORE; see also Variants.
//   - crm.activity.add sends no e-mails; activity types of applications, and with them typeId of configurable activities, are
//     absent; codes of icons and logos are not checked.
//   - Rights are coarse: everybody sees all entities, only administrators change fields, users and departments.
package bitrix24
