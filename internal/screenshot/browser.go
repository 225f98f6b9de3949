package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chromedp/chromedp"
)

const (
	width, height = 1440, 1200
	quality       = 100              // PNG
	pageTimeout   = 60 * time.Second // a page of the Temporal UI on a busy machine
	settle        = 2 * time.Second  // for what the page draws after the text is there
)

// photograph takes the pictures one after the other, in one browser.
func photograph(ctx context.Context, shots []shot, out string) error {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.WindowSize(width, height), chromedp.Flag("disable-quic", true), chromedp.Flag("force-color-profile", "srgb"))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's sandbox refuses root
	}
	ctx, cancel := chromedp.NewExecAllocator(ctx, options...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	// The first call starts the browser, without a time limit of its own.
	if err := chromedp.Do(ctx); err != nil {
		return fmt.Errorf("start Chromium: %w", err)
	}
	for _, s := range shots {
		if err := s.take(ctx, out); err != nil {
			return fmt.Errorf("%s, %s: %w", s.name, s.url, err)
		}
	}
	return nil
}

func (s shot) take(ctx context.Context, out string) error {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(s.url)); err != nil {
		return err
	}
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](fmt.Sprintf("document.body.innerText.includes(%q)", s.text))); err != nil {
		return fmt.Errorf("%q does not appear: %w", s.text, err)
	}
	if err := chromedp.Do(ctx, chromedp.Sleep(settle)); err != nil {
		return err
	}
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(quality))
	if err != nil {
		return err
	}
	path := filepath.Join(out, s.name+".png")
	fmt.Println("writing", path)
	return os.WriteFile(path, picture, 0o644) //nolint:gosec // a picture for everybody
}
