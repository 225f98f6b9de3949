package bitrix24

import "net/http"

func (p *Portal) pageRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { writeHTML(w, http.StatusOK) })
}
