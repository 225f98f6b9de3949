package contactcenter

import "maps"

// Names of crm.item fields that the input has keys for; "" = a field that only
// Puente or the portal writes.
var (
	commonNames = map[string]string{
		"id": "", "fm": "phones and emails", "originatorId": "", "originId": "", "originVersion": "",
		"assignedById": "responsible_id", "sourceId": "source", "comments": "comments",
		"utmSource": "utm.source", "utmMedium": "utm.medium", "utmCampaign": "utm.campaign",
		"utmContent": "utm.content", "utmTerm": "utm.term",
	}
	contactNames = with(commonNames, map[string]string{
		"name": "name", "lastName": "last_name", "secondName": "second_name", "post": "post",
		"companyId": "company_id", "companyIds": "company_id",
	})
	companyNames = with(commonNames, map[string]string{"title": "title", "contactIds": "contact_ids"})
	dealNames    = with(commonNames, map[string]string{
		"title": "title", "categoryId": "pipeline", "stageId": "stage", "opportunity": "amount", "isManualOpportunity": "amount",
		"currencyId": "currency", "observers": "observers", "contactId": "contact_ids", "contactIds": "contact_ids", "companyId": "company_id",
	})
)

func with(common, more map[string]string) map[string]string {
	all := maps.Clone(common)
	maps.Copy(all, more)
	return all
}
