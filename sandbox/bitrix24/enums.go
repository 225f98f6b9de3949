package bitrix24

import "strings"

// enumMethods are the fixed directories of the CRM: crm.enum.* and the like.
func enumMethods() []method {
	fixed := func(name string, rows func() *dict) method {
		return method{name: name, scope: "crm", run: func(*call) (any, error) { return rows(), nil }}
	}
	return []method{
		fixed("crm.enum.ownertype", ownerTypes),
		fixed("crm.enum.settings.mode", func() *dict { return enumRows("1=Classic CRM", "2=Simple CRM") }),
		fixed("crm.enum.activitytype", func() *dict { return enumRows("1=Meeting", "2=Call", "3=Task", "4=E-mail", "6=Custom") }),
		fixed("crm.enum.activitystatus", func() *dict { return enumRows("1=Pending", "2=Completed", "3=Completed automatically") }),
		fixed("crm.enum.activitypriority", func() *dict { return enumRows("1=Low", "2=Normal", "3=High") }),
		fixed("crm.enum.activitydirection", func() *dict { return enumRows("1=Incoming", "2=Outgoing") }),
		fixed("crm.enum.activitynotifytype", func() *dict { return enumRows("1=Minutes", "2=Hours", "3=Days") }),
		fixed("crm.enum.contenttype", func() *dict { return enumRows("1=Plain text", "2=BB code", "3=HTML") }),
		fixed("crm.enum.addresstype", func() *dict {
			return enumRows("11=Shipping address", "1=Physical address", "6=Legal address", "4=Registered address", "8=Mailing address",
				"9=Beneficiary address")
		}),
		fixed("crm.enum.getorderownertypes", func() *dict {
			return listOf([]*dict{newDict("attribute", "DYN", "code", "DEAL", "id", kindDeal, "name", "Deal")})
		}),
		fixed("crm.enum.fields", func() *dict {
			return newDict("ID", describeField("int", "ID", "r"), "NAME", describeField("string", "Name", "r"),
				"SYMBOL_CODE", describeField("string", "Symbolic code", "r"), "SYMBOL_CODE_SHORT", describeField("string", "Short symbolic code", "r"))
		}),
		fixed("crm.multifield.fields", func() *dict {
			return newDict("ID", describeField("integer", "ID", "r"), "TYPE_ID", describeField("string", "Type", "i"),
				"VALUE", describeField("string", "Value", ""), "VALUE_TYPE", describeField("string", "Value type", ""))
		}),
		fixed("crm.userfield.types", userFieldTypes),
	}
}

// enumRows turns "1=Name" into rows without symbolic codes.
func enumRows(items ...string) *dict {
	out := newDict()
	for _, item := range items {
		id, name, _ := strings.Cut(item, "=")
		out.append(newDict("ID", toID(id), "NAME", name, "SYMBOL_CODE", nil, "SYMBOL_CODE_SHORT", nil))
	}
	return out
}

func ownerTypes() *dict {
	out := newDict()
	for _, k := range kinds {
		out.append(newDict("ID", k.id, "NAME", k.title, "SYMBOL_CODE", strings.ToUpper(k.name), "SYMBOL_CODE_SHORT", k.short))
	}
	out.append(newDict("ID", kindRequisite, "NAME", "Requisites", "SYMBOL_CODE", "REQUISITE", "SYMBOL_CODE_SHORT", "RQ"))
	return out
}

func userFieldTypes() *dict {
	out := newDict()
	for _, t := range userTypes {
		title := strings.ReplaceAll(t, "_", " ")
		out.append(newDict("ID", t, "title", strings.ToUpper(title[:1])+title[1:]))
	}
	return out
}
