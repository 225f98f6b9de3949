package bitrix24

import "slices"

var (
	errNoElement = badRequest("NOT_FOUND", "Element not found")
	errBound     = badRequest("ACTIVITY_IS_ALREADY_BOUND", "Activity is already bound to this item")
	errNotBound  = badRequest("BINDING_NOT_FOUND", "Binding not found")
)

// require gives the error for the first parameter that was not sent.
func (c *call) require(names ...string) error {
	for _, name := range names {
		if v, ok := c.param(name); !ok || toStr(v) == "" && asDict(v) == nil {
			return missing(name)
		}
	}
	return nil
}

// bindingActivity finds the activity of the binding methods.
func (c *call) bindingActivity() (*activity, error) {
	a, ok := c.p.state.activities.get(c.id("activityId"))
	if !ok {
		return nil, errNoElement
	}
	return a, nil
}

// activityTarget reads the activity and the entity of the binding methods.
func (c *call) activityTarget() (*activity, activityBinding, error) {
	if err := c.require("activityId", "entityTypeId", "entityId"); err != nil {
		return nil, activityBinding{}, err
	}
	a, err := c.bindingActivity()
	if err != nil {
		return nil, activityBinding{}, err
	}
	b := activityBinding{c.id("entityTypeId"), c.id("entityId")}
	if !c.p.state.holds(b) {
		return nil, b, errOwner
	}
	return a, b, nil
}

// activityBind puts an activity on one more timeline. The docs name no code for
// the entity above the limit.
func (c *call) activityBind() (any, error) {
	old, b, err := c.activityTarget()
	switch {
	case err != nil:
		return nil, err
	case slices.Contains(old.Bindings, b):
		return nil, errBound
	case len(old.Bindings) >= maxActivityBindings:
		return nil, badRequest("TOO_MANY_BINDINGS", "Too many bindings")
	}
	a := old.clone()
	a.Bindings = append(a.Bindings, b)
	c.p.state.activities.put(a.ID, a)
	return true, nil
}

// activityUnbind takes an activity off a timeline, but not off its last one.
func (c *call) activityUnbind() (any, error) {
	old, b, err := c.activityTarget()
	switch {
	case err != nil:
		return nil, err
	case !slices.Contains(old.Bindings, b):
		return nil, errNotBound
	case len(old.Bindings) == 1:
		return nil, badRequest("LAST_BINDING_CANNOT_BE_DELETED", "The last binding cannot be deleted")
	}
	a := old.clone()
	a.Bindings = slices.DeleteFunc(a.Bindings, func(o activityBinding) bool { return o == b })
	c.p.state.activities.put(a.ID, a)
	return true, nil
}

// activityMove takes an activity from one entity to another of the same kind.
func (c *call) activityMove() (any, error) {
	if err := c.require("activityId", "sourceEntityTypeId", "sourceEntityId", "targetEntityTypeId", "targetEntityId"); err != nil {
		return nil, err
	}
	old, err := c.bindingActivity()
	if err != nil {
		return nil, err
	}
	from := activityBinding{c.id("sourceEntityTypeId"), c.id("sourceEntityId")}
	to := activityBinding{c.id("targetEntityTypeId"), c.id("targetEntityId")}
	switch {
	case from.Kind != to.Kind:
		return nil, badRequest("SOURCE_AND_TARGET_ENTITY_TYPES_ARE_NOT_EQUAL_ERROR", "Source and target entity types are not equal")
	case from.ID == to.ID:
		return nil, badRequest("SOURCE_AND_TARGET_ENTITY_ID_ARE_EQUAL_ERROR", "Source and target entity ids are equal")
	case !c.p.state.holds(from), !c.p.state.holds(to):
		return nil, errOwner
	case !slices.Contains(old.Bindings, from):
		return nil, errNotBound
	case slices.Contains(old.Bindings, to):
		return nil, errBound
	}
	a := old.clone()
	a.Bindings[slices.Index(a.Bindings, from)] = to
	c.p.state.activities.put(a.ID, a)
	return true, nil
}

func (c *call) activityBindings() (any, error) {
	if err := c.require("activityId"); err != nil {
		return nil, err
	}
	a, err := c.bindingActivity()
	if err != nil {
		return nil, err
	}
	out := newDict()
	for _, b := range a.Bindings {
		out.append(newDict("entityTypeId", b.Kind, "entityId", b.ID))
	}
	return out, nil
}
