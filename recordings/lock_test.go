package recordings

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestALockIsHeldByOneAndFreeAfterwards(t *testing.T) {
	t.Parallel()
	dir := NewDir(t.TempDir())
	unlock, ok, err := dir.Lock("demo", "../call 1")
	require.NoError(t, err)
	require.True(t, ok)
	_, ok, err = NewDir(dir.root).Lock("demo", "../call 1")
	require.NoError(t, err)
	require.False(t, ok, "a process beside this one")
	other, ok, err := dir.Lock("demo", "call 2")
	require.NoError(t, err)
	require.True(t, ok)
	other()
	unlock()
	unlock, ok, err = dir.Lock("demo", "../call 1")
	require.NoError(t, err)
	require.True(t, ok)
	unlock()
	entries, err := os.ReadDir(filepath.Join(dir.root, "demo"))
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestALockThatWasRemovedLocksNobodyOut(t *testing.T) {
	t.Parallel()
	dir := NewDir(t.TempDir())
	root, err := dir.open("demo")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, root.Close()) })
	file, err := root.Create("demo/x")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, file.Close()) })
	require.NoError(t, root.Remove("demo/x"))
	ok, err := take(root, "demo/x", file)
	require.NoError(t, err)
	require.False(t, ok)
}
