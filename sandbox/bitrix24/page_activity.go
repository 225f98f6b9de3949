package bitrix24

// pageFace is how the card shows an activity beside its title: whether it is
// completed and, of an application's one, what its layout says (bitrix24
// reference §4.3).
type pageFace struct {
	Completed bool
	Tags      []pageTag
	Lines     []pageField // texts and links, in order
}

// pageTag is a coloured word beside the title.
type pageTag struct{ Text, Kind string }

// faceOf reads the layout of an activity; one without has no tags and no lines.
func faceOf(a *activity) pageFace {
	out := pageFace{Completed: a.V["COMPLETED"] == "Y"}
	layout := stored(a.Layout)
	for _, tag := range asDict(part(layout, "header", "tags")).values() {
		out.Tags = append(out.Tags, pageTag{Text: translated(part(tag, "title")), Kind: toStr(part(tag, "type"))})
	}
	for _, block := range asDict(part(layout, "body", "blocks")).values() {
		out.Lines = append(out.Lines, faceLine(block))
	}
	return out
}

// faceLine is one block: a text, a link, or one of them under a title.
func faceLine(block any) pageField {
	properties := part(block, "properties")
	switch {
	case part(properties, "block") != nil:
		line := faceLine(part(properties, "block"))
		line.Name = translated(part(properties, "title"))
		return line
	case part(properties, "text") != nil:
		return pageField{Value: translated(part(properties, "text")), Link: toStr(part(properties, "action", "uri"))}
	}
	return pageField{Value: translated(part(properties, "value"))}
}

// part is what stands in a layout under these names, nil if nothing does.
func part(v any, names ...string) any {
	for _, name := range names {
		v, _ = asDict(v).get(name)
	}
	return v
}
