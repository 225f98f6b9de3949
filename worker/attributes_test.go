package worker_test

import (
	"context"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/mocks"
	"google.golang.org/grpc"

	"puente/worker"
	"puente/workflows"
)

// operator is the part of a Temporal server that keeps search attributes.
type operator struct {
	operatorservice.OperatorServiceClient

	mu     sync.Mutex
	known  map[string]enumspb.IndexedValueType
	listed error
	added  error
	adds   int
}

func (o *operator) ListSearchAttributes(
	context.Context, *operatorservice.ListSearchAttributesRequest, ...grpc.CallOption,
) (*operatorservice.ListSearchAttributesResponse, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return &operatorservice.ListSearchAttributesResponse{CustomAttributes: o.known}, o.listed
}

func (o *operator) AddSearchAttributes(
	_ context.Context, in *operatorservice.AddSearchAttributesRequest, _ ...grpc.CallOption,
) (*operatorservice.AddSearchAttributesResponse, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.adds++
	for name, typ := range in.GetSearchAttributes() {
		o.known[name] = typ
	}
	return &operatorservice.AddSearchAttributesResponse{}, o.added
}

func register(t *testing.T, o *operator) error {
	t.Helper()
	if o.known == nil {
		o.known = map[string]enumspb.IndexedValueType{}
	}
	c := &mocks.Client{}
	c.On("OperatorService").Return(o)
	return worker.RegisterSearchAttributes(t.Context(), c, "default")
}

func TestSearchAttributesAreAddedOnce(t *testing.T) {
	t.Parallel()
	o := &operator{known: map[string]enumspb.IndexedValueType{"PuentePortal": enumspb.INDEXED_VALUE_TYPE_KEYWORD}}
	require.NoError(t, register(t, o))
	require.Len(t, o.known, len(workflows.SearchAttributes()))
	require.NoError(t, register(t, o))
	require.Equal(t, 1, o.adds)
}

func TestSearchAttributesThatCannotBeHadSayWhy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		operator *operator
		words    string // "" = no error
	}{
		"another process was faster": {&operator{added: serviceerror.NewAlreadyExists("search attribute already exists")}, ""},
		"of another type": {
			&operator{known: map[string]enumspb.IndexedValueType{"PuentePortal": enumspb.INDEXED_VALUE_TYPE_TEXT}}, "PuentePortal",
		},
		"unreachable": {&operator{listed: serviceerror.NewUnavailable("down")}, "down"},
		"no room":     {&operator{added: serviceerror.NewInvalidArgument("cannot have more than 10")}, "more than 10"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := register(t, c.operator)
			if c.words == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.words)
		})
	}
}

func TestRefusalToListIsRecognisable(t *testing.T) {
	t.Parallel()
	err := register(t, &operator{listed: serviceerror.NewPermissionDenied("no", "")})
	var denied *serviceerror.PermissionDenied
	require.ErrorAs(t, err, &denied, "the worker then goes on: somebody has added them by hand")
}

// nowhere is an address at which nobody listens.
func nowhere(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	listener, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}
