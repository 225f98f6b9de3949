package setup

import (
	"fmt"
	"strings"

	"puente/bitrix24"
	"puente/settings"
)

func (r *Report) mode(res bitrix24.Result, set settings.CRMMode) {
	var mode bitrix24.ID
	err := res.Err
	if err == nil {
		err = res.Decode(&mode)
	}
	if err != nil {
		r.add("CRM mode", Failed, err.Error(), crmHelp(err))
		return
	}
	is := settings.ModeClassic
	if mode == 2 {
		is = settings.ModeSimple
	}
	if set != settings.ModeAuto && set != is {
		r.add("CRM mode", Warning, fmt.Sprintf("the portal is in %s mode, the settings say %s", is, set), "set crm.mode to auto or "+string(is))
		return
	}
	r.add("CRM mode", OK, string(is), "")
}

func (r *Report) pipelines(res bitrix24.Result) {
	var out struct {
		Categories []struct {
			ID   bitrix24.ID `json:"id"`
			Name string      `json:"name"`
		} `json:"categories"`
	}
	err := res.Err
	if err == nil {
		err = res.Decode(&out)
	}
	if err != nil {
		r.add("Pipelines", Failed, err.Error(), crmHelp(err))
		return
	}
	var names []string
	for _, c := range out.Categories {
		names = append(names, fmt.Sprintf("%d %s", c.ID, c.Name))
	}
	r.add("Pipelines", OK, strings.Join(names, ", "), "")
}

func (r *Report) userFields(res bitrix24.Result) {
	var rows []struct {
		Name      string        `json:"FIELD_NAME"`
		Mandatory bitrix24.Bool `json:"MANDATORY"`
	}
	err := res.Err
	if err == nil {
		err = res.Decode(&rows)
	}
	if err != nil {
		r.add("Custom fields of deals", Warning, err.Error(), "only administrators may list them; what the settings name is checked below")
		return
	}
	var must []string
	for _, f := range rows {
		if f.Mandatory {
			must = append(must, f.Name)
		}
	}
	if len(must) > 0 {
		r.add("Custom fields of deals", Warning, fmt.Sprintf("%d; mandatory: %s", len(rows), strings.Join(must, ", ")),
			"deals without a mandatory field are refused: map it, or make it optional")
		return
	}
	r.add("Custom fields of deals", OK, fmt.Sprintf("%d, none mandatory", len(rows)), "")
}

func crmHelp(err error) string {
	_, help := lack(err, "<name>")
	return help
}
