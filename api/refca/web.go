package refca

import "net/http"

func (s *Server) web() http.Handler { return http.NotFoundHandler() }
