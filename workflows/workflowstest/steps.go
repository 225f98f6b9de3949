package workflowstest

import (
	"puente/contactcenter"
	"puente/workflows"
)

// steps are the activities, by their names.
type steps struct{ desk *Desk }

func (s *steps) RunMethod(in workflows.RunMethodInput) (workflows.MethodRan, error) {
	return s.desk.Ran, s.desk.begin(workflows.RunMethodStep, in)
}

func (s *steps) OpenRequest(in workflows.OpenRequestInput) (workflows.OpenedRequest, error) {
	if err := s.desk.begin(workflows.OpenRequestStep, in); err != nil {
		return workflows.OpenedRequest{}, err
	}
	s.desk.mu.Lock()
	defer s.desk.mu.Unlock()
	if in.Choice != nil {
		s.desk.Opened.Choice = *in.Choice
	}
	out := s.desk.Opened
	if out.Answered < out.Revision {
		s.desk.Opened.Status = workflows.Syncing
	}
	return out, nil
}

func (s *steps) FindRequest(in workflows.RequestStepInput) (contactcenter.RequestFound, error) {
	return s.desk.Found, s.desk.begin(workflows.FindRequestStep, in)
}

func (s *steps) SaveContact(in workflows.RequestStepInput) (workflows.SavedEntity, error) {
	return saved(in.ContactID, 42), s.desk.begin(workflows.SaveContactStep, in)
}

func (s *steps) SaveCompany(in workflows.RequestStepInput) (workflows.SavedEntity, error) {
	return saved(in.CompanyID, 52), s.desk.begin(workflows.SaveCompanyStep, in)
}

func (s *steps) SaveDeal(in workflows.RequestStepInput) (workflows.SavedEntity, error) {
	return saved(in.DealID, 62), s.desk.begin(workflows.SaveDealStep, in)
}

// saved is what a step made, or changed in what was found.
func saved(found, fresh int64) workflows.SavedEntity {
	if found != 0 {
		return workflows.SavedEntity{ID: found, Changed: []string{"EMAIL"}}
	}
	return workflows.SavedEntity{ID: fresh, Created: true}
}

func (s *steps) LinkCompany(in workflows.RequestStepInput) (workflows.SavedEntity, error) {
	return workflows.SavedEntity{ID: in.CompanyID}, s.desk.begin(workflows.LinkCompanyStep, in)
}

func (s *steps) SaveCall(in workflows.RequestStepInput) (workflows.SavedCall, error) {
	return s.desk.Call, s.desk.begin(workflows.SaveCallStep, in)
}

func (s *steps) WriteTimeline(in workflows.RequestStepInput) (workflows.WroteTimeline, error) {
	var out workflows.WroteTimeline
	for _, decision := range in.Decisions {
		if decision.ID != 0 {
			out.On = append(out.On, contactcenter.Ref{Kind: decision.Kind, ID: decision.ID})
		}
	}
	return out, s.desk.begin(workflows.WriteTimelineStep, in)
}

func (s *steps) NotifyRequest(in workflows.RequestStepInput) (workflows.Notified, error) {
	return workflows.Notified{Sent: 1}, s.desk.begin(workflows.NotifyRequestStep, in)
}

func (s *steps) AnswerRequest(in workflows.AnswerRequestInput) (bool, error) {
	err := s.desk.begin(workflows.AnswerRequestStep, in)
	s.desk.mu.Lock()
	defer s.desk.mu.Unlock()
	if err == nil {
		s.desk.Opened.Answered = in.Answer.Revision
		if in.Final {
			s.desk.Opened.Status = workflows.Done
		}
	}
	return err == nil, err
}

func (s *steps) FetchRecording(in workflows.RecordingInput) (workflows.FetchedRecording, error) {
	return workflows.FetchedRecording{RecordingID: "r-1", Bytes: 4096}, s.desk.begin(workflows.FetchRecordingStep, in)
}

func (s *steps) AttachRecording(in workflows.RecordingInput) (workflows.AttachedRecording, error) {
	return workflows.AttachedRecording{FileID: 77, Bytes: 4096}, s.desk.begin(workflows.AttachRecordingStep, in)
}

func (s *steps) FinishRun(in workflows.FinishRunInput) (bool, error) {
	err := s.desk.begin(workflows.FinishRunStep, in)
	s.desk.mu.Lock()
	defer s.desk.mu.Unlock()
	s.desk.Opened.Status = in.Status
	return err == nil, err
}

func (s *steps) ParkRun(in workflows.ParkRunInput) (bool, error) {
	err := s.desk.begin(workflows.ParkRunStep, in)
	s.desk.mu.Lock()
	defer s.desk.mu.Unlock()
	s.desk.Opened.Status = workflows.Failed
	return err == nil, err
}
