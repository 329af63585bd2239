"""The web app, storage, jobs and command line around the pure rooms. Imports packets, policies and connectors."""
