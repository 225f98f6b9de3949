package activities_test

import (
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
)

// activityRegistry lets the worker's own registration serve the test environment.
type activityRegistry struct {
	env *testsuite.TestActivityEnvironment
}

func (r activityRegistry) RegisterActivityWithOptions(a any, o activity.RegisterOptions) {
	r.env.RegisterActivityWithOptions(a, o)
}

func (activityRegistry) RegisterWorkflowWithOptions(any, workflow.RegisterOptions) {}
