package contactcenter_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"puente/contactcenter"
)

func TestCodesOfRealCompaniesAreRight(t *testing.T) {
	t.Parallel()
	for _, inn := range []string{"7707083893", "7736050003", "500100732259", "7830002293"} {
		require.NoError(t, contactcenter.CheckINN(inn))
	}
	for _, ogrn := range []string{"1027700132195", "1027700070518", "304500116000157"} {
		require.NoError(t, contactcenter.CheckOGRN(ogrn))
	}
	require.NoError(t, contactcenter.CheckKPP("773601001"))
	require.NoError(t, contactcenter.CheckKPP("7736AB001"))
}

func TestWrongCodesAreNamed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		check      func(string) error
		code, want string
	}{
		{contactcenter.CheckINN, "7707083894", "7707083894 is not an INN: its checksum is wrong"},
		{contactcenter.CheckINN, "500100732258", "checksum is wrong"},
		{contactcenter.CheckINN, "500100732269", "checksum is wrong"},
		{contactcenter.CheckINN, "77070838931", "10 digits of a company or 12"},
		{contactcenter.CheckINN, "770708389O", "10 digits"},
		{contactcenter.CheckINN, "", "10 digits"},
		{contactcenter.CheckINN, "0000000000", "zeros"},
		{contactcenter.CheckOGRN, "1027700132196", "checksum is wrong"},
		{contactcenter.CheckOGRN, "304500116000158", "checksum is wrong"},
		{contactcenter.CheckOGRN, "10277001321955", "13 digits"},
		{contactcenter.CheckOGRN, "0000000000000", "zeros"},
		{contactcenter.CheckKPP, "77360100", "9 digits"},
		{contactcenter.CheckKPP, "7736ab001", "9 digits"},
	}
	for _, tt := range tests {
		require.ErrorContains(t, tt.check(tt.code), tt.want, tt.code)
	}
}

func TestJustOneCheckNumberFits(t *testing.T) {
	t.Parallel()
	kinds := []struct {
		digits, places int
		check          func(string) error
	}{{9, 1, contactcenter.CheckINN}, {10, 2, contactcenter.CheckINN}, {12, 1, contactcenter.CheckOGRN}, {14, 1, contactcenter.CheckOGRN}}
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(kinds).Draw(t, "kind")
		number := rapid.StringMatching(fmt.Sprintf("[1-9][0-9]{%d}", kind.digits-1)).Draw(t, "number")
		fitting := 0
		for i := range int(math.Pow10(kind.places)) {
			if kind.check(fmt.Sprintf("%s%0*d", number, kind.places, i)) == nil {
				fitting++
			}
		}
		require.Equal(t, 1, fitting, number)
	})
}
