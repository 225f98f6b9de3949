package api

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	"puente/recordings"
	"puente/store"
)

const (
	// maxUploads bounds the uploads under way in one process.
	maxUploads = 16
	// stallTimeout is how long an upload may bring nothing. An upload as a whole
	// may take as long as its size needs.
	stallTimeout = 30 * time.Second
	// uploadAnswer is how long storing and answering may take after the last piece.
	uploadAnswer = time.Minute
	fileField    = "file"
	maxFileName  = 200 // bytes
)

// Uploaded is a recording that waits for its call.
type Uploaded struct {
	RecordingID string `json:"recording_id" doc:"for recording.recording_id of a call, or call.attach_recording"`
	Bytes       int64  `json:"bytes"`
	SHA256      string `json:"sha256" doc:"hex"`
}

// uploadInput keeps hold of the request: its body is streamed to disk, and
// never read as a whole.
type uploadInput struct {
	PortalInput
	writer  http.ResponseWriter
	request *http.Request
}

// Resolve is called by huma after the parameters were read.
func (in *uploadInput) Resolve(ctx huma.Context) []error {
	c := humagin.Unwrap(ctx)
	in.writer, in.request = c.Writer, c.Request
	return nil
}

func (s *server) recordingRoutes() {
	operation(s, http.MethodPost, "/contact-center/recordings", "upload-recording",
		"Upload the recording of a call (multipart, field file, wav or mp3)", s.uploadRecording, contactCenter,
		errorsToo(http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
			http.StatusTooManyRequests, http.StatusInsufficientStorage),
		func(op *huma.Operation) {
			s.bodies[op.OperationID] = multipartFile()
			op.DefaultStatus = http.StatusCreated
			op.Description = "Sent as multipart/form-data and streamed to disk. At most contact_center.recordings.max_mib; " +
				"an upload that no call uses is deleted after some days."
		})
}

func multipartFile() *huma.RequestBody {
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"multipart/form-data": {Schema: &huma.Schema{
		Type: huma.TypeObject, Required: []string{fileField}, Properties: map[string]*huma.Schema{
			fileField: {Type: huma.TypeString, Format: "binary", Description: "name ends in .wav or .mp3"},
		},
	}}}}
}

func (s *server) uploadRecording(ctx context.Context, in *uploadInput) (*body[Uploaded], error) {
	select {
	case s.uploads <- struct{}{}:
		defer func() { <-s.uploads }()
	default:
		return nil, huma.ErrorWithHeaders(huma.Error429TooManyRequests("too many uploads are under way; try again"),
			http.Header{"Retry-After": {"5"}})
	}
	conf, err := s.settingsOf(ctx, in.Portal)
	if err != nil {
		return nil, err
	}
	part, err := in.file()
	if err != nil {
		return nil, err
	}
	name := fileName(part.FileName())
	r, err := s.Recordings.Upload(ctx, in.Portal, name, part, in.request.ContentLength, conf.ContactCenter.Recordings)
	if err != nil {
		return nil, s.uploadRefused(ctx, err)
	}
	s.log.InfoContext(ctx, "recording stored", "portal", in.Portal, "recording", r.ID, "bytes", r.Bytes)
	return &body[Uploaded]{Body: Uploaded{RecordingID: r.ID, Bytes: r.Bytes, SHA256: r.SHA256}}, nil
}

// file is the part of the form with the file; the fields before it are passed over.
func (in *uploadInput) file() (*multipart.Part, error) {
	in.request.Body = io.NopCloser(&paced{from: in.request.Body, to: http.NewResponseController(in.writer)})
	form, err := in.request.MultipartReader()
	if err != nil {
		return nil, huma.Error415UnsupportedMediaType("send the file as multipart/form-data")
	}
	for {
		part, err := form.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return nil, huma.Error422UnprocessableEntity("there is no file",
				&huma.ErrorDetail{Location: "body." + fileField, Message: "is missing"})
		case err != nil:
			return nil, huma.Error400BadRequest("the form cannot be read")
		case part.FormName() == fileField:
			return part, nil
		}
	}
}

// paced gives each piece of an upload its time, and the answer after it.
type paced struct {
	from io.Reader
	to   *http.ResponseController
}

func (p *paced) Read(b []byte) (int, error) {
	now := time.Now()
	_ = p.to.SetReadDeadline(now.Add(stallTimeout)) // fails only where there is no connection
	_ = p.to.SetWriteDeadline(now.Add(stallTimeout + uploadAnswer))
	return p.from.Read(b)
}

// fileName keeps the last element of a name, and its end where the kind stands.
func fileName(given string) string {
	name := path.Base(strings.ReplaceAll(given, `\`, "/"))
	ext := path.Ext(name)
	if ext = strings.ToLower(ext); !recordings.KnownName(name) {
		return name
	}
	return storable(strings.TrimSuffix(name, path.Ext(name)), maxFileName-len(ext)) + ext
}

func (s *server) uploadRefused(ctx context.Context, err error) error {
	var broken *http.MaxBytesError
	switch {
	case errors.Is(err, recordings.ErrTooLarge), errors.As(err, &broken):
		return huma.Error413RequestEntityTooLarge("the recording is larger than contact_center.recordings.max_mib allows")
	case errors.Is(err, recordings.ErrFormat):
		return huma.Error422UnprocessableEntity("the file is not a recording", &huma.ErrorDetail{
			Location: "body." + fileField, Message: "must be a wav or mp3 file, by its name (.wav, .mp3) and by its content",
		})
	case errors.Is(err, recordings.ErrFull):
		s.log.WarnContext(ctx, "a recording was refused", "error", err)
		return huma.NewError(http.StatusInsufficientStorage,
			"there is no room for the recording: contact_center.recordings.quota_mib is used up; try again when others have been sent to the portal")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, context.Canceled), isTimeout(err):
		return huma.Error400BadRequest("the upload broke off; send it again")
	case errors.Is(err, store.ErrNotFound):
		return s.fail(ctx, "portal", err)
	}
	return s.fail(ctx, "recording", err)
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
